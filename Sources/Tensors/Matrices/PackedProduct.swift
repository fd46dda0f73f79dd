import COneDNN
import Diagnostics
import Synchronization

/// oneDNN's product of one shape: y[rows, n] (+)= x[rows, k] m[k, n], m packed, y in 32-bit floats.
///
/// Works in the calling thread: the tiles are ours. Each shape is made once (about a third of a millisecond) and stays
/// for the life of the program.
final class PackedProduct: @unchecked Sendable {
  struct Shape: Hashable {
    /// Whether x and m are bfloat16; otherwise they are 32-bit floats.
    var bf16: Bool
    var rows: Int
    var k: Int
    var n: Int
    /// Columns of the packed matrix that the n are part of.
    var whole: Int
    var accumulates: Bool
  }

  private let product: OpaquePointer
  private let scratchFloats: Int

  private static let made = Mutex<[Shape: PackedProduct]>([:])

  /// The product of a shape.
  static func with(_ shape: Shape) -> PackedProduct {
    made.withLock { made in
      if let product = made[shape] { return product }
      let product = PackedProduct(shape)
      made[shape] = product
      return product
    }
  }

  private init(_ shape: Shape) {
    var product: OpaquePointer?
    let status = packed_product_make(
      &product, type(bf16: shape.bf16), shape.rows, shape.k, shape.n, shape.whole, shape.accumulates ? 1 : 0)
    guard let product else { stop("oneDNN refused a product of \(shape) with status \(status)") }
    self.product = product
    scratchFloats = (packed_product_scratch(product) + 3) / 4
  }

  /// Computes in the calling thread.
  func run(_ x: UnsafeRawPointer, _ m: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let scratch = Tensor(uninitialized: [max(1, scratchFloats)])
    let status = packed_product_run(product, x, m, y, scratch.pointer)
    if status != 0 { stop("oneDNN's product failed with status \(status)") }
  }
}

/// A matrix [k, n] in the order that oneDNN's kernels read.
struct PackedBlock {
  let bf16: Bool
  let k: Int
  let n: Int
  let storage: Tensor

  /// Elements that are not set.
  init(bf16: Bool, k: Int, n: Int) {
    self.bf16 = bf16
    self.k = k
    self.n = n
    let bytes = packed_bytes(type(bf16: bf16), k, n)
    if bytes == 0 { stop("oneDNN cannot pack a matrix of \(k) × \(n)") }
    storage = Tensor(uninitialized: [(bytes + 3) / 4])
  }

  /// Takes the elements of `plain` [k, n], or [n, k] when `transposed`, without gaps.
  func pack(_ plain: UnsafeRawPointer, transposed: Bool) {
    let status = packed_pack(storage.pointer, type(bf16: bf16), plain, k, n, transposed ? 1 : 0)
    if status != 0 { stop("oneDNN could not pack a matrix of \(k) × \(n), status \(status)") }
  }

  /// Writes element (row, column) to `plain`[row · down + column · across].
  func unpack(into plain: UnsafeMutableRawPointer, down: Int, across: Int) {
    let status = packed_unpack(plain, down, across, type(bf16: bf16), storage.pointer, k, n)
    if status != 0 { stop("oneDNN could not unpack a matrix of \(k) × \(n), status \(status)") }
  }

  /// Where the columns from a multiple of 64 on start.
  func columns(from column: Int) -> UnsafePointer<Float> {
    // A block of 64 columns holds the rows rounded up to 16, in bfloat16 to 32.
    UnsafePointer(storage.pointer + column * (bf16 ? (k + 31) / 32 * 16 : (k + 15) / 16 * 16))
  }
}

private func type(bf16: Bool) -> packed_type { bf16 ? packed_bf16 : packed_f32 }
