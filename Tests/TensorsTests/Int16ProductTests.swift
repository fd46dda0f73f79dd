import CTensorKernels
import Tensors
import Testing

/// Products in 16-bit whole numbers, with a scale for each 128 neighbours along k.
@Suite struct Int16ProductTests {
  private static let columns = Int(TK_INT16_COLUMNS)
  private static let depth = Int(TK_INT16_DEPTH)

  private struct Packed {
    var words: [Int16]
    var scales: [Float]

    /// w [k, n].
    init(_ w: Tensor) {
      let (k, n) = (w.shape[0], w.shape[1])
      let panels = (n + columns - 1) / columns
      let (panel, blocks) = (tk_int16_stride(k) * columns, tk_int16_blocks(k) * columns)
      words = [Int16](repeating: 0, count: panels * panel)
      scales = [Float](repeating: 0, count: panels * blocks)
      words.withUnsafeMutableBufferPointer { words in
        scales.withUnsafeMutableBufferPointer { scales in
          for index in 0..<panels {
            tk_pack_int16(
              words.baseAddress.unsafelyUnwrapped + index * panel,
              scales.baseAddress.unsafelyUnwrapped + index * blocks,
              w.pointer + index * columns, n, 1, k, min(columns, n - index * columns))
          }
        }
      }
    }
  }

  /// Rows from `top` on of x · w.
  private func product(
    _ kernels: tk_kernels, _ x: Tensor, _ packed: Packed, whole: Int, top: Int = 0, k: Int, n: Int, into c: Tensor,
    accumulates: Bool
  ) -> [Int16] {
    var words = [Int16](repeating: 0, count: x.rows * tk_int16_stride(k))
    var scales = [Float](repeating: 0, count: x.rows * tk_int16_blocks(k))
    kernels.quantize_int16(&words, &scales, x.pointer, x.columns, x.rows, k)
    packed.words.withUnsafeBufferPointer { w in
      packed.scales.withUnsafeBufferPointer { s in
        kernels.int16_product(
          c.pointer, c.columns, words, scales, w.baseAddress.unsafelyUnwrapped + top * Self.columns,
          s.baseAddress.unsafelyUnwrapped + top / Self.depth * Self.columns, whole, x.rows, k, n, accumulates ? 1 : 0)
      }
    }
    return words
  }

  /// Sums of a block are whole numbers, so vectors and the reference give the same bits.
  @Test(
    arguments: [
      (1, 128, 16), (6, 256, 32), (7, 129, 17), (13, 64, 15), (3, 1, 5), (64, 576, 48), (70, 33, 40), (0, 8, 9),
    ],
    [false, true])
  func vectorsAreTheReference(size: (rows: Int, k: Int, n: Int), accumulates: Bool) {
    let (rows, k, n) = size
    let packed = Packed(randomTensor([k, n], seed: 2))
    let x = randomTensor([rows, k + 3], seed: 1)
    func run(_ kernels: tk_kernels) -> ([Int16], [UInt32]) {
      let c = randomTensor([rows, n + 2], seed: 3)
      return (product(kernels, x, packed, whole: k, k: k, n: n, into: c, accumulates: accumulates), c.bits)
    }
    let expected = run(tk_scalar_kernels().unsafelyUnwrapped.pointee)
    for set in KernelSet.available {
      let found = run(set.functions.pointee)
      #expect(found.0 == expected.0 && found.1 == expected.1, "\(set.name)")
    }
  }

  /// The rows of a matrix from a block on are multiplied as if they were the whole.
  @Test func aMatrixCanBeTakenBlockByBlock() {
    let (k, n) = (300, 20)
    let w = randomTensor([k, n], seed: 2)
    let packed = Packed(w)
    let x = randomTensor([5, k], seed: 1)
    let whole = Tensor(shape: [5, n])
    _ = product(KernelSet.best.functions.pointee, x, packed, whole: k, k: k, n: n, into: whole, accumulates: false)
    for set in KernelSet.available {
      let parts = Tensor(shape: [5, n])
      for top in stride(from: 0, to: k, by: Self.depth) {
        let taken = min(Self.depth, k - top)
        let some = Tensor(
          shape: [5, taken], values: (0..<5).flatMap { row in (0..<taken).map { x.pointer[row * k + top + $0] } })
        _ = product(
          set.functions.pointee, some, packed, whole: k, top: top, k: taken, n: n, into: parts, accumulates: top > 0)
      }
      #expect(relativeDistance(parts.values, whole.values) < 1e-6, "\(set.name)")
    }
  }

  /// The largest sum that a block can have is within 32 bits.
  @Test func theLargestSumsFit() {
    let k = 3 * Self.depth
    let w = Tensor(shape: [k, 2], values: (0..<2 * k).map { $0 % 2 == 0 ? 1 : -1 })
    let packed = Packed(w)
    let x = Tensor(shape: [1, k], values: [Float](repeating: -2, count: k))
    for set in KernelSet.available {
      let c = Tensor(shape: [1, 2])
      _ = product(set.functions.pointee, x, packed, whole: k, k: k, n: 2, into: c, accumulates: false)
      #expect(distance(c.values, [-2 * Float(k), 2 * Float(k)]) < 1e-6, "\(set.name)")
    }
  }

  /// A step of a normal block is its largest number, about 2.7, over 4,095; roundings are off by 1/√12 of one, those of both
  /// operands by √2 of that: 2.7e-4.
  @Test func productsAreNearTheExactOnes() {
    let (x, w) = (randomTensor([9, 500], seed: 1), randomTensor([500, 40], seed: 2))
    let exact = (0..<9 * 40).map { index in
      Float(
        (0..<500).reduce(0.0) {
          $0 + Double(x.pointer[index / 40 * 500 + $1]) * Double(w.pointer[$1 * 40 + index % 40])
        })
    }
    let c = Tensor(shape: [9, 40])
    _ = product(
      KernelSet.best.functions.pointee, x, Packed(w), whole: 500, k: 500, n: 40, into: c, accumulates: false)
    let found = relativeDistance(c.values, exact)
    #expect(1e-5 < found && found < 4e-4, "\(found)")
  }

  @Test func aPanelComesBackAsItWas() {
    let (k, n) = (201, 16)
    let w = randomTensor([k, n], seed: 2)
    let packed = Packed(w)
    var back = [Float](repeating: 0, count: n * k)
    tk_restore_int16(&back, packed.words, packed.scales, k, n)
    let plain = (0..<n).flatMap { column in (0..<k).map { w.pointer[$0 * n + column] } }
    #expect(relativeDistance(back, plain) < 3e-4)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNotFiniteStaysSo(_ wrong: Float) {
    let packed = Packed(randomTensor([150, 5], seed: 2))
    for set in KernelSet.available {
      let x = randomTensor([2, 150], seed: 1)
      x.pointer[140] = wrong
      let c = Tensor(shape: [2, 5])
      _ = product(set.functions.pointee, x, packed, whole: 150, k: 150, n: 5, into: c, accumulates: false)
      #expect(c.values[..<5].allSatisfy { !$0.isFinite } && c.values[5...].allSatisfy(\.isFinite), "\(set.name)")
    }
  }

  // MARK: - The class

  private func run(threads: Int, _ computeClass: ComputeClass = .int16) throws -> [[Float]] {
    let kernels = try #require(KernelSet.named(.avx2))
    return try adaptedStep(
      Compute(pool: ThreadPool(threads: threads), kernels: kernels, computeClass: computeClass), vocabulary: 9000,
      headScale: 0.3)
  }

  @Test(.enabled(if: KernelSet.named(.avx2) != nil, "the processor has no AVX2"))
  func lossesAndGradientsAreNearThoseOfFloats() throws {
    let (words, floats) = (try run(threads: 2), try run(threads: 2, .f32))
    // Scores of about 3 that are off by 3e-4 each, of which the loss takes 203.
    #expect(abs(words[0][0] / floats[0][0] - 1) < 1e-4)
    // Tokens below 2⁻¹⁵ that count as their mean are part of it.
    for (found, expected) in zip(words, floats).dropFirst() {
      #expect(!expected.isEmpty && found != expected)
      #expect(relativeDistance(found, expected) < 3e-3)
    }
  }

  @Test(.enabled(if: KernelSet.named(.avx2) != nil, "the processor has no AVX2"))
  func everyNumberOfThreadsGivesTheSameBits() throws {
    let expected = try run(threads: 1).map { $0.map(\.bitPattern) }
    for threads in 2...4 {
      #expect(try run(threads: threads).map { $0.map(\.bitPattern) } == expected, "\(threads) threads")
    }
  }
}
