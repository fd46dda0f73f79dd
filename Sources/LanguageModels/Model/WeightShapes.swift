import Tensors

/// Weights of any model of which nothing but the shapes is known, for a ``Tensors/MemoryCount``.
package struct WeightShapes: WeightSource {
  /// What files store each matrix in, where it can be used as it is stored.
  private let formats: [String: String]

  /// - Parameter formats: Names of formats by those of tensors; see ``Tensors/BlockFormat/named(_:)``.
  package init(formats: [String: String] = [:]) { self.formats = formats }

  package var origin: String { "the configuration" }
  package func has(_ name: String) -> Bool { true }
  package func hasPart(_ name: String) -> Bool { formats[name] != nil }

  /// A tensor whose elements are not set.
  package func tensor(named name: String, shape: [Int]) -> Tensor { Tensor(uninitialized: shape) }

  package func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? {
    guard let format = formats[name].flatMap(BlockFormat.named), let last = shape.last else { return nil }
    let first = shape.dropLast().reduce(1, *)
    let (rows, columns) = transposed ? (last, first) : (first, last)
    let blocks = rows * ((columns + format.length - 1) / format.length)
    return try BlockWeight(
      format, rows: rows, columns: columns, bytes: StoredBytes(uninitialized: blocks * format.size))
  }
}
