extension Compute {
  /// The floating-point operations a second (a multiplication and an addition are two) that matrix products in the
  /// class's arithmetic reach here with all threads of the pool at work, on operands that stay in the second cache.
  ///
  /// It is the ceiling of the products that are in the class's own type: the best of several rounds, so that other work on the machine
  /// disturbs it little. Takes `seconds` and a few milliseconds; the right operands are packed as ``MatrixWeight`` packs.
  package func measuredProductRate(seconds: Double = 0.15) -> Double {
    let teams = (0..<pool.threads).map { _ in ProductRound(self) }
    let perRound = Double(teams.count) * ProductRound.operations
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    pool.tiles(teams.count) { teams[$0].run() }
    var best = 0.0
    repeat {
      let time = clock.measure { pool.tiles(teams.count) { teams[$0].run() } }
      best = max(best, perRound / (time / .seconds(1)))
    } while clock.now < end
    return best
  }
}

/// Products of one thread, enough of them to take a millisecond or more.
private final class ProductRound: @unchecked Sendable {
  static let (rows, k, n) = (RowProgram.tileRows, 384, 512)
  static let repetitions = 16
  static let operations = Double(2 * rows * k * n * repetitions)

  private let x: Tensor
  private let matrix: any PackedWeight
  private let y: Tensor
  private let kernels: KernelSet

  init(_ compute: Compute) {
    x = Tensor(shape: [Self.rows, Self.k], values: (0..<Self.rows * Self.k).map { Float($0 % 7) / 8 })
    y = Tensor(shape: [Self.rows, Self.n])
    let weight = Tensor(shape: [Self.k, Self.n], values: (0..<Self.k * Self.n).map { Float($0 % 5) / 8 })
    kernels = compute.kernels
    matrix = ProductFormats(compute, frozen: true, int8: .both).backward.pack(weight, false, compute)
  }

  func run() {
    for _ in 0..<Self.repetitions {
      let left = LeftOperand(
        MatrixView(x), rows: Self.rows, k: Self.k, for: CollectionOfOne(matrix), kernels.functions)
      matrix.multiply(left, columns: 0..<Self.n, into: MatrixView(y), accumulates: false)
    }
  }
}
