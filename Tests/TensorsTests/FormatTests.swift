import CTensorKernels
import Tensors
import Testing

/// Numbers of stored weights: blocks of random bits with scales of a sane size.
@Suite struct FormatTests {
  /// The blocks of a format that products read, whatever their bits.
  static func blocks(_ format: BlockFormat, count: Int, seed: UInt64) -> [UInt8] {
    var random = CounterRandom(seed: seed)
    var bytes = (0..<count * format.size).map { _ in UInt8(truncatingIfNeeded: random.integer(below: 256)) }
    // The 16-bit floats of a block: between 2⁻⁷ and 2⁻⁶, of either sign.
    let places: [String: [Int]] = [
      "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
      "Q6_K": [208], "F16": [0], "BF16": [0], "F32": [2],
    ]
    // The exponent of a block of MXFP4: between 2⁻⁷ and 2⁻⁴.
    if format.name == "MXFP4" {
      for block in 0..<count { bytes[block * format.size] = bytes[block * format.size] & 3 | 120 }
    }
    let isWide = ["BF16", "F32"].contains(format.name)
    for block in 0..<count {
      for place in places[format.name] ?? [] {
        let high = block * format.size + place + 1
        bytes[high] = bytes[high] & 0x83 | (isWide ? 0x3C : 0x20)
      }
    }
    return bytes
  }

  static func weight(_ format: BlockFormat, rows: Int, columns: Int, seed: UInt64) throws -> BlockWeight {
    let bytes = blocks(format, count: rows * columns / format.length, seed: seed)
    let owner = Owner(bytes)
    return try BlockWeight(
      format, rows: rows, columns: columns, bytes: StoredBytes(UnsafeRawBufferPointer(owner.bytes), of: owner) {})
  }

  /// Bytes at an odd address, as files may have them.
  private final class Owner {
    let bytes: UnsafeMutableRawBufferPointer
    private let all: UnsafeMutableRawBufferPointer

    init(_ content: [UInt8]) {
      all = .allocate(byteCount: content.count + 1, alignment: 64)
      bytes = UnsafeMutableRawBufferPointer(rebasing: all[1...])
      bytes.copyBytes(from: content)
    }

    deinit { all.deallocate() }
  }

  @Test(arguments: BlockFormat.all.map(\.name), [1, 2, 7])
  func vectorsAreTheReference(name: String, rows: Int) throws {
    let format = try #require(BlockFormat.named(name))
    let weight = try Self.weight(format, rows: rows, columns: 3 * 256, seed: 1)
    func bits(_ kernels: KernelSet) -> [UInt32] {
      weight.numbers(Compute(pool: ThreadPool(threads: 1), kernels: kernels)).bits
    }
    let reference = bits(try #require(KernelSet.named(.scalar)))
    #expect(reference.contains { $0 != reference[0] })
    for kernels in KernelSet.available { #expect(bits(kernels) == reference, "\(kernels.name)") }
  }

  /// Parts of rows are what they are in the whole, where a row ends in the middle of a block and where it starts there.
  @Test(arguments: [(5, 100), (9, 33), (3, 320), (1, 64), (67, 256)])
  func nf4InParts(size: (rows: Int, columns: Int)) {
    for compute in allComputes() {
      let numbers = randomTensor([size.rows, size.columns], seed: 4, scale: 0.05)
      let weight = NF4Weight(rounding: numbers, compute)
      let whole = weight.numbers(compute)
      // The largest gap is 0.28 of a block's largest number, and half of it is lost at most.
      #expect(relativeDistance(whole.values, numbers.values) < 0.13)
      let part = Tensor(uninitialized: [size.columns])
      for row in 0..<size.rows {
        for start in stride(from: 0, to: size.columns, by: 256) {
          let columns = start..<min(size.columns, start + 17)
          weight.expand(row: row, columns, into: part.pointer, compute.kernels.functions)
          for column in columns {
            #expect(part.pointer[column - start] == whole.pointer[row * size.columns + column])
          }
        }
      }
    }
  }

  /// The forms that a matrix is rounded to, their bytes and what they lose.
  @Test func roundings() throws {
    let compute = allComputes()[0]
    for (rows, columns) in [(6, 96), (5, 77)] {
      let numbers = randomTensor([rows, columns], seed: 2)
      let plain = try BlockWeight(rounding: numbers, to: .f32, compute)
      #expect(plain.bytes == 4 * numbers.count && plain.numbers(compute).bits == numbers.bits)
      let half = try BlockWeight(rounding: numbers, to: .bf16, compute)
      #expect(half.bytes == 2 * numbers.count)
      #expect(relativeDistance(half.numbers(compute).values, numbers.values) < 0x1p-8)
      let int8 = try BlockWeight(rounding: numbers, to: .int8, compute)
      #expect(int8.bytes == rows * ((columns + 31) / 32) * 34)
      #expect(relativeDistance(int8.numbers(compute).values, numbers.values) < 0.01)
    }
  }

  @Test func bytesOfAnotherSizeAreRefused() throws {
    let format = try #require(BlockFormat.named("Q4_K"))
    for count in [2 * 144 - 1, 144, 0, 3 * 144] {
      #expect(throws: TensorError.countMismatch(operation: "Q4_K", name: "bytes", expected: 288, found: count)) {
        try BlockWeight(format, rows: 2, columns: 256, bytes: StoredBytes(uninitialized: count))
      }
    }
    #expect(throws: TensorError.self) {
      try BlockWeight(format, rows: 2, columns: 256, bytes: StoredBytes(uninitialized: 288), order: [0, 2])
    }
  }

  // MARK: Products

  private static func weights(_ rows: Int, _ columns: Int, _ compute: Compute) throws -> [any StoredWeight] {
    var all: [any StoredWeight] = []
    for format in BlockFormat.all where columns % format.length == 0 {
      all.append(try weight(format, rows: rows, columns: columns, seed: 7))
    }
    let numbers = randomTensor([rows, columns], seed: 8, scale: 0.1)
    all.append(NF4Weight(rounding: numbers, compute))
    for format in [BlockFormat.bf16, .int8] { all.append(try BlockWeight(rounding: numbers, to: format, compute)) }
    return all
  }

  private struct Step {
    var y: [Float]
    var dx: [Float]
  }

  private func step(_ matrix: MatrixWeight, rows: Int, _ compute: Compute) throws -> Step {
    let x = randomParameter("x", [rows, matrix.inputs], seed: 1)
    let tape = Tape(compute: compute, records: true)
    let y = tape.project(try tape.input(x), [try Projection(weight: matrix)])[0]
    let values = y.value.values
    tape.backward(from: y, gradient: randomTensor([rows, matrix.outputs], seed: 2))
    return Step(y: values, dx: x.gradient?.values ?? [])
  }

  /// y = x Wᵀ and dx = dy W are those of the expanded weight.
  @Test(arguments: [(1, 5, 256), (7, 130, 256), (64, 600, 512), (65, 33, 96), (203, 259, 768), (3, 12, 50)])
  func productsAreThoseOfTheExpandedWeight(size: (rows: Int, outputs: Int, inputs: Int)) throws {
    let pool = ThreadPool(threads: 2)
    for kernels in KernelSet.available {
      for computeClass in ComputeClass.available(kernels) {
        let compute = Compute(pool: pool, kernels: kernels, computeClass: computeClass)
        let exact = Compute(pool: pool, kernels: kernels)
        for stored in try Self.weights(size.outputs, size.inputs, exact) {
          let found = try step(MatrixWeight(stored: stored, compute: compute), rows: size.rows, compute)
          let wanted = try step(
            MatrixWeight(frozen: stored.numbers(exact), compute: exact), rows: size.rows, exact)
          let bound = computeClass.takesBF16 ? 6e-3 : 2e-6
          let what = "\(stored.formatName), \(computeClass) on \(kernels.name)"
          #expect(relativeDistance(found.y, wanted.y) < bound, "\(what)")
          #expect(relativeDistance(found.dx, wanted.dx) < bound, "\(what)")
        }
      }
    }
  }

  @Test func threadsChangeNoBit() throws {
    for computeClass in ComputeClass.available(.best) where computeClass != .int8 {
      var seen: Set<[UInt32]> = []
      for threads in [1, 2, 3] {
        let compute = Compute(pool: ThreadPool(threads: threads), kernels: .best, computeClass: computeClass)
        let stored = NF4Weight(rounding: randomTensor([300, 512], seed: 8, scale: 0.1), compute)
        let found = try step(MatrixWeight(stored: stored, compute: compute), rows: 203, compute)
        seen.insert((found.y + found.dx).map(\.bitPattern))
      }
      #expect(seen.count == 1, "\(computeClass)")
    }
  }

  /// A layer with an adapter over a stored weight, a table and the head that is tied to it, against the same in floats.
  @Test func aStepOverStoredWeights() throws {
    let pool = ThreadPool(threads: 2)
    let exact = Compute(pool: pool, kernels: .best)
    let (width, vocabulary) = (256, 2300)
    let format = try #require(BlockFormat.named("Q6_K"))
    let table = try Self.weight(format, rows: vocabulary, columns: width, seed: 3)
    let inner = NF4Weight(rounding: randomTensor([width, width], seed: 5, scale: 0.06), exact)
    func run(_ compute: Compute, _ matrix: (any StoredWeight) throws -> MatrixWeight, stored: Bool) throws -> [[Float]]
    {
      let a = randomParameter("a", [4, width], seed: 10, scale: 0.1)
      let b = randomParameter("b", [width, 4], seed: 11, scale: 0.1)
      let tape = Tape(compute: compute, records: true)
      let ids = (0..<70).map { Int32($0 * 31) }
      let x =
        stored
        ? try tape.embed(ids, table: table)
        : try tape.embed(ids, table: Parameter(name: "t", value: table.numbers(exact)))
      let y = tape.project(
        x, [try Projection(weight: matrix(inner), adapter: LowRankAdapter(a: a, b: b, scale: 2))])[0]
      let result = try tape.crossEntropy(
        y, head: OutputHead(try matrix(table)), targets: ids, weights: [Float](repeating: 1, count: ids.count))
      tape.backward(from: result.loss)
      return [result.loss.value.values, a.gradient?.values ?? [], b.gradient?.values ?? []]
    }
    let wanted = try run(exact, { try MatrixWeight(frozen: $0.numbers(exact), compute: exact) }, stored: false)
    for kernels in KernelSet.available {
      for computeClass in ComputeClass.available(kernels) {
        let compute = Compute(pool: pool, kernels: kernels, computeClass: computeClass)
        let found = try run(compute, { MatrixWeight(stored: $0, compute: compute) }, stored: true)
        let bound = computeClass.rounds ? 2e-2 : 1e-5
        for (one, other) in zip(found, wanted) {
          #expect(relativeDistance(one, other) < bound, "\(computeClass) on \(kernels.name)")
        }
      }
    }
    #expect(throws: TensorError.tokenOutOfRange(operation: "embed", id: 2300, count: 2300)) {
      try Tape(compute: exact, records: false).embed([2300], table: table)
    }
  }
}
