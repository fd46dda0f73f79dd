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
  private let half: HalfMatrix?
  private let weight: Tensor
  private let packed: PackedMatrix?
  private let quantized: QuantizedMatrix?
  private let compute: Compute
  private let y: Tensor

  init(_ compute: Compute) {
    x = Tensor(shape: [Self.rows, Self.k], values: (0..<Self.rows * Self.k).map { Float($0 % 7) / 8 })
    y = Tensor(shape: [Self.rows, Self.n])
    weight = Tensor(shape: [Self.k, Self.n], values: (0..<Self.k * Self.n).map { Float($0 % 5) / 8 })
    let packing = MatrixWeight.Packing(compute)
    self.compute = compute
    quantized = compute.computeClass == .int8 ? QuantizedMatrix(weight, transposed: false, compute) : nil
    packed = packing == .none ? nil : PackedMatrix(weight, transposed: false, halves: packing == .halves, compute)
    half =
      packing == .halves
      ? HalfMatrix(rounding: MatrixView(x), rows: Self.rows, columns: Self.k, compute.kernels.functions) : nil
  }

  func run() {
    for _ in 0..<Self.repetitions {
      if let quantized {
        let rows = QuantizedRows(rounding: MatrixView(x), rows: Self.rows, k: Self.k, compute)
        quantized.multiply(rows, columns: 0..<Self.n, into: MatrixView(y), accumulates: false, compute)
      } else if let packed {
        packed.multiply(
          half.map { UnsafeRawPointer($0.pointer) } ?? UnsafeRawPointer(x.pointer), stride: Self.k, rows: Self.rows,
          depths: 0..<Self.k, columns: 0..<Self.n, into: MatrixView(y), accumulates: false)
      } else {
        multiply(MatrixView(x), MatrixView(weight), into: MatrixView(y), m: Self.rows, n: Self.n, k: Self.k)
      }
    }
  }
}
