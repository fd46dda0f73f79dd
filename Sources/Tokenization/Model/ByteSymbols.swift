/// The ids of single bytes, and the merges of two of them: where the merging of every piece starts.
final class ByteSymbols: @unchecked Sendable {
  // Written by `init`; only read afterwards.
  private let ids: UnsafeMutablePointer<Int32>
  private let values: UnsafeMutablePointer<UInt64>

  /// - Parameter ids: The id of every byte; nil is given back when one has none (-1).
  init?(_ ids: [Int32], _ merges: MergeTable) {
    guard ids.count == 256, ids.allSatisfy({ $0 >= 0 }) else { return nil }
    self.ids = .allocate(capacity: 256)
    self.ids.initialize(from: ids, count: 256)
    values = .allocate(capacity: 1 << 16)
    for left in 0..<256 {
      for right in 0..<256 { (values + (left << 8 | right)).initialize(to: merges.value(ids[left], ids[right])) }
    }
  }

  deinit {
    ids.deallocate()
    values.deallocate()
  }

  @inline(__always)
  func id(of byte: UInt8) -> Int32 { ids[Int(byte)] }

  /// ``MergeTable/value(_:_:)`` of two bytes, without a hash.
  @inline(__always)
  func value(_ left: UInt8, _ right: UInt8) -> UInt64 { values[Int(left) << 8 | Int(right)] }
}
