import CTensorKernels
import Tensors
import Testing

/// Products in bytes, with a scale for each 64 neighbours along k after they were turned.
@Suite struct Int8ProductTests {
  private struct Packed {
    var bytes: [Int8]
    var scales: [Float]
    var offsets: [Int32]

    /// w [k, n].
    init(_ w: Tensor) {
      let (k, n) = (w.shape[0], w.shape[1])
      let (panels, blocks, width) = (tk_int8_panels(n), tk_int8_blocks(k), Int(TK_INT8_COLUMNS))
      bytes = [Int8](repeating: 0, count: panels * blocks * width * Int(TK_INT8_DEPTH))
      scales = [Float](repeating: 0, count: panels * blocks * width)
      offsets = [Int32](repeating: 0, count: panels * blocks * width)
      for panel in 0..<panels {
        let place = panel * blocks * width
        bytes.withUnsafeMutableBufferPointer { bytes in
          scales.withUnsafeMutableBufferPointer { scales in
            offsets.withUnsafeMutableBufferPointer { offsets in
              tk_pack_int8(
                bytes.baseAddress.unsafelyUnwrapped + place * Int(TK_INT8_DEPTH),
                scales.baseAddress.unsafelyUnwrapped + place, offsets.baseAddress.unsafelyUnwrapped + place,
                w.pointer + panel * width, n, 1, k, min(width, n - panel * width))
            }
          }
        }
      }
    }
  }

  /// Sums of a block are whole numbers, so vectors and the reference give the same bits.
  @Test(arguments: [(1, 64, 48), (8, 128, 96), (9, 100, 50), (17, 64, 1), (3, 1, 49), (64, 576, 192), (0, 64, 48)])
  func vectorsAreTheReference(rows: Int, k: Int, n: Int) {
    let x = randomTensor([rows, k + 3], seed: 1)
    let w = randomTensor([k, n], seed: 2)
    let packed = Packed(w)
    func run(_ kernels: tk_kernels, accumulates: Bool) -> ([UInt8], [UInt32]) {
      var bytes = [UInt8](repeating: 0, count: rows * tk_int8_blocks(k) * Int(TK_INT8_DEPTH))
      var scales = [Float](repeating: 0, count: rows * tk_int8_blocks(k))
      let c = randomTensor([rows, n + 2], seed: 3)
      kernels.quantize_int8(&bytes, &scales, x.pointer, x.columns, rows, k)
      kernels.int8_product(
        c.pointer, n + 2, bytes, scales, packed.bytes, packed.scales, packed.offsets, rows, k, n, accumulates ? 1 : 0)
      return (bytes, c.bits)
    }
    let reference = tk_scalar_kernels().unsafelyUnwrapped.pointee
    for accumulates in [false, true] {
      let expected = run(reference, accumulates: accumulates)
      for set in KernelSet.available {
        let found = run(set.functions.pointee, accumulates: accumulates)
        #expect(found.0 == expected.0 && found.1 == expected.1, "\(set.name)")
      }
    }
  }

  @Test func turningABlockTwiceGivesItBackTimesItsSize() {
    let x = randomTensor([64], seed: 1)
    let start = x.values
    tk_hadamard(x.pointer)
    // The sum of all numbers comes first.
    #expect(abs(x.values[0] - start.reduce(0, +)) < 1e-4)
    tk_hadamard(x.pointer)
    #expect(relativeDistance(x.values, start.map { 64 * $0 }) < 1e-6)
    #expect(Set((0..<64).map { tk_hadamard_place($0) }) == Set(0..<64))
  }

  /// One number a hundred times as large as its 63 neighbours.
  ///
  /// Rounded as it stands the block would have steps of 0.8 neighbours and products be off by 0.8 / √12 = 23 %; turned, every
  /// number carries an eighth of it, and products are off by 3 % for the steps of x and 7 % for those of w, which the large
  /// number multiplies.
  @Test(arguments: [0, 17, 63]) func aLargeNumberLeavesItsNeighboursTheirResolution(place: Int) {
    let w = randomTensor([64, 480], seed: 2)
    (w.pointer + place * 480).update(repeating: 0, count: 480)
    let packed = Packed(w)
    let x = randomTensor([1, 64], seed: 1)
    x.pointer[place] = 100
    let exact = (0..<480).map { column in (0..<64).reduce(0) { $0 + x.pointer[$1] * w.pointer[$1 * 480 + column] } }
    let kernels = KernelSet.best.functions.pointee
    var (bytes, scale, c) = ([UInt8](repeating: 0, count: 64), Float(0), [Float](repeating: 0, count: 480))
    kernels.quantize_int8(&bytes, &scale, x.pointer, 64, 1, 64)
    kernels.int8_product(&c, 480, bytes, &scale, packed.bytes, packed.scales, packed.offsets, 1, 64, 480, 0)
    #expect(relativeDistance(c, exact) < 0.1)
  }

  @Test func aPanelComesBackAsItWas() {
    let (k, n) = (100, 50)
    let w = randomTensor([k, n], seed: 2)
    let packed = Packed(w)
    for (panel, columns) in [(0, 48), (1, 2)] {
      var back = [Float](repeating: 0, count: columns * k)
      let place = panel * 2 * 48
      packed.bytes.withUnsafeBufferPointer { bytes in
        packed.scales.withUnsafeBufferPointer { scales in
          tk_restore_int8(
            &back, bytes.baseAddress.unsafelyUnwrapped + place * 64, scales.baseAddress.unsafelyUnwrapped + place, k,
            columns)
        }
      }
      let plain = (0..<columns).flatMap { column in (0..<k).map { w.pointer[$0 * n + panel * 48 + column] } }
      #expect(relativeDistance(back, plain) < 0.008)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNotFiniteStaysSo(_ wrong: Float) {
    let packed = Packed(randomTensor([70, 5], seed: 2))
    for set in KernelSet.available {
      let x = randomTensor([2, 70], seed: 1)
      x.pointer[66] = wrong
      var bytes = [UInt8](repeating: 0, count: 2 * 128)
      var scales = [Float](repeating: 0, count: 4)
      var c = [Float](repeating: 0, count: 10)
      set.functions.pointee.quantize_int8(&bytes, &scales, x.pointer, 70, 2, 70)
      set.functions.pointee.int8_product(&c, 5, bytes, scales, packed.bytes, packed.scales, packed.offsets, 2, 70, 5, 0)
      #expect(c[..<5].allSatisfy { !$0.isFinite } && c[5...].allSatisfy(\.isFinite))
    }
  }

  @Test(
    .enabled(if: ComputeClass.available(.best).contains(.int8), "the processor has no products of bytes"),
    arguments: [(1, 500, 70), (5, 17, 7), (130, 200, 576), (0, 5, 4)])
  func projectionsAreNearTheExactOnes(rows: Int, outputs: Int, inputs: Int) throws {
    func run(_ computeClass: ComputeClass, _ bytes: MatrixWeight.Int8Products) throws -> (y: [Float], dx: [Float]) {
      let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best, computeClass: computeClass)
      let x = randomParameter("x", [rows, inputs], seed: 1)
      let weight = try MatrixWeight(frozen: randomTensor([outputs, inputs], seed: 2), compute: compute, int8: bytes)
      let tape = Tape(compute: compute, records: true)
      let y = tape.project(try tape.input(x), [try Projection(weight: weight)])[0]
      let values = y.value.values
      tape.backward(from: y, gradient: randomTensor([rows, outputs], seed: 3))
      return (values, x.gradient?.values ?? [])
    }
    let exact = try run(.f32, .none)
    let both = try run(.int8, .both)
    let backward = try run(.int8, .backward)
    let none = try run(.int8, .none)
    let half = try run(.bf16, .both)
    // A byte is off by at most half of 1/127 of the largest of 64 normal numbers, 0.3 % of their size on average, and
    // each product has two of them; the backward pass rounds what was rounded for the forward pass.
    #expect(rows == 0 || relativeDistance(both.y, exact.y) < 0.012)
    #expect(rows == 0 || relativeDistance(both.dx, exact.dx) < 0.012)
    #expect(rows == 0 || relativeDistance(backward.dx, exact.dx) < 0.012)
    #expect(backward.y == half.y)
    #expect(none.y == half.y && none.dx == half.dx)
  }
}
