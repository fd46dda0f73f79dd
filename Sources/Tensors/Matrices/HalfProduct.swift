import COneDNN
import Synchronization

/// oneDNN's product of one shape: y[rows, n] (+)= x[rows, k] m[k, n], x and m in bfloat16, m packed, y in 32-bit floats.
///
/// Works in the calling thread: the tiles are ours. Each shape is made once (about a third of a millisecond) and stays
/// for the life of the program.
final class HalfProduct: @unchecked Sendable {
  struct Shape: Hashable {
    var rows: Int
    var k: Int
    var n: Int
    /// Columns of the packed matrix that the n are part of.
    var whole: Int
    var accumulates: Bool
  }

  private let product: OpaquePointer
  private let scratchFloats: Int

  private static let made = Mutex<[Shape: HalfProduct]>([:])

  /// The product of a shape.
  static func with(_ shape: Shape) -> HalfProduct {
    made.withLock { made in
      if let product = made[shape] { return product }
      let product = HalfProduct(shape)
      made[shape] = product
      return product
    }
  }

  private init(_ shape: Shape) {
    var product: OpaquePointer?
    let status = half_product_make(
      &product, shape.rows, shape.k, shape.n, shape.whole, shape.accumulates ? 1 : 0)
    guard let product else { preconditionFailure("oneDNN refused a product of \(shape) with status \(status)") }
    self.product = product
    scratchFloats = (half_product_scratch(product) + 3) / 4
  }

  /// Computes in the calling thread.
  func run(_ x: UnsafePointer<UInt16>, _ m: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let scratch = Tensor(uninitialized: [max(1, scratchFloats)])
    let status = half_product_run(product, x, m, y, scratch.pointer)
    precondition(status == 0, "oneDNN's product failed with status \(status)")
  }

  /// Memory for a packed matrix [k, n].
  static func packedStorage(k: Int, n: Int) -> Tensor {
    let bytes = half_packed_bytes(k, n)
    precondition(bytes > 0, "oneDNN cannot pack a matrix of \(k) × \(n)")
    return Tensor(uninitialized: [(bytes + 3) / 4])
  }

  /// Writes `plain` [k, n], or [n, k] when `transposed`, in the packed order.
  static func pack(_ plain: HalfMatrix, k: Int, n: Int, transposed: Bool, into target: Tensor) {
    let status = half_pack(target.pointer, plain.pointer, k, n, transposed ? 1 : 0)
    precondition(status == 0, "oneDNN could not pack a matrix of \(k) × \(n), status \(status)")
  }
}
