import TokenShards

/// The rows of a token set, read one by one in any order.
package struct TrainingRows {
  package let count: Int
  private let read: (Int) throws -> TokenRow

  package init(count: Int, read: @escaping (Int) throws -> TokenRow) {
    self.count = count
    self.read = read
  }

  /// Rows in memory.
  package init(_ rows: [TokenRow]) {
    self.init(count: rows.count) { rows[$0] }
  }

  package func row(_ index: Int) throws -> TokenRow { try read(index) }
}
