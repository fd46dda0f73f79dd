import CTensorKernels
import Glibc

/// A way to store numbers in blocks of so many bytes each, one after the other along a row.
///
/// One more of them is an entry here and a kernel.
package struct BlockFormat: Sendable {
  /// As files call it.
  package let name: String
  /// Numbers of a block.
  package let length: Int
  /// Bytes of a block.
  package let size: Int
  /// Writes the numbers of so many blocks.
  let expand: Expansion
  /// Rounds a row to blocks, zeros behind its end; nil for a format that files alone have.
  let round: Rounding?

  typealias Expansion =
    @Sendable (UnsafePointer<tk_kernels>, UnsafeMutablePointer<Float>, UnsafePointer<UInt8>, Int) -> Void
  typealias Rounding =
    @Sendable (UnsafePointer<tk_kernels>, UnsafeMutablePointer<UInt8>, UnsafePointer<Float>, Int) -> Void

  private init(_ name: String, length: Int, size: Int, round: Rounding? = nil, expand: @escaping Expansion) {
    self.name = name
    self.length = length
    self.size = size
    self.expand = expand
    self.round = round
  }

  /// The format that files call so.
  package static func named(_ name: String) -> BlockFormat? { all.first { $0.name == name } }

  package static let f32 = BlockFormat(
    "F32", length: 1, size: 4, round: { memcpy($1, $2, $3 * 4) }, expand: { memcpy($1, $2, $3 * 4) })
  package static let bf16 = BlockFormat(
    "BF16", length: 1, size: 2, round: { $0.pointee.to_bf16(words($1), $2, $3) },
    expand: { $0.pointee.from_bf16($1, words($2), $3) })
  /// Whole numbers of 8 bits, with a scale for each 32 of them.
  package static let int8 = BlockFormat(
    "Q8_0", length: 32, size: 34, round: { tk_round_q8_0($1, $2, $3) },
    expand: { $0.pointee.expand_q8_0($1, $2, $3) })

  package static let all = [
    f32, bf16, int8,
    BlockFormat("F16", length: 1, size: 2) { $0.pointee.from_f16($1, words($2), $3) },
    BlockFormat("Q4_0", length: 32, size: 18) { $0.pointee.expand_q4_0($1, $2, $3) },
    BlockFormat("Q4_1", length: 32, size: 20) { $0.pointee.expand_q4_1($1, $2, $3) },
    BlockFormat("Q5_0", length: 32, size: 22) { $0.pointee.expand_q5_0($1, $2, $3) },
    BlockFormat("Q5_1", length: 32, size: 24) { $0.pointee.expand_q5_1($1, $2, $3) },
    BlockFormat("MXFP4", length: 32, size: 17) { $0.pointee.expand_mxfp4($1, $2, $3) },
    BlockFormat("Q4_K", length: 256, size: 144) { $0.pointee.expand_q4_k($1, $2, $3) },
    BlockFormat("Q5_K", length: 256, size: 176) { $0.pointee.expand_q5_k($1, $2, $3) },
    BlockFormat("Q6_K", length: 256, size: 210) { $0.pointee.expand_q6_k($1, $2, $3) },
  ]
}

/// 16-bit numbers at an address that need not be even: kernels read them byte by byte.
private func words(_ bytes: UnsafePointer<UInt8>) -> UnsafePointer<UInt16> {
  UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt16.self)
}

private func words(_ bytes: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt16> {
  UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: UInt16.self)
}
