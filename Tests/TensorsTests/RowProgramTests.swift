import Tensors
import TestKit
import Testing

/// Operations on rows done together: arrays that nobody else wants exist for a tile of rows at a time.
@Suite struct RowProgramTests {
  private static let (inputs, wide) = (24, 80)

  /// A feed-forward block with adapters, a residual and a norm; nobody but its operations sees what is in between.
  private struct Block {
    let compute: Compute
    let x: Parameter
    let norm = randomParameter("norm", [RowProgramTests.inputs], seed: 2)
    let maps: [Projection]

    init(rows: Int, dropout: Float, _ compute: Compute) throws {
      self.compute = compute
      x = randomParameter("x", [rows, RowProgramTests.inputs], seed: 1)
      let (inputs, wide) = (RowProgramTests.inputs, RowProgramTests.wide)
      let shapes = [[wide, inputs], [wide, inputs], [inputs, wide]]
      maps = try shapes.enumerated().map { index, shape in
        let adapter = try LowRankAdapter(
          a: randomParameter("a", [3, shape[1]], seed: UInt64(10 + index), scale: 0.2),
          b: randomParameter("b", [shape[0], 3], seed: UInt64(20 + index), scale: 0.2), scale: 0.5, dropout: dropout,
          dropoutStream: UInt64(index))
        let weight = randomTensor(shape, seed: UInt64(30 + index), scale: 0.2)
        return try Projection(weight: MatrixWeight(frozen: weight, compute: compute, int8: .both), adapter: adapter)
      }
    }

    var parameters: [Parameter] { [x, norm] + maps.flatMap { [$0.adapter?.a, $0.adapter?.b].compactMap { $0 } } }

    /// - Parameter look: Is shown each variable as it comes.
    func run(_ tape: Tape, _ look: (Variable) -> Void = { _ in }) throws -> Variable {
      let input = try tape.input(x)
      let normed = tape.rmsNorm(input, weight: norm, epsilon: 1e-5)
      look(normed)
      let parts = tape.project(normed, Array(maps[..<2]))
      parts.forEach(look)
      let gated = tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
      look(gated)
      let down = tape.project(gated, [maps[2]])[0]
      look(down)
      return tape.add(input, down)
    }
  }

  /// The same bits whether all values are read one by one, kept to the end, or never seen.
  @Test(arguments: [1, 63, 64, 65, 129, 400], [0, 0.2] as [Float])
  func whoLooksChangesNothing(rows: Int, dropout: Float) throws {
    for computeClass in ComputeClass.available(try .chosenByEnvironment()) {
      let compute = try Compute(threads: 2, computeClass: computeClass)
      let block = try Block(rows: rows, dropout: dropout, compute)
      func bits(_ run: (Tape) throws -> Variable) throws -> [[UInt32]] {
        for parameter in block.parameters { parameter.clearGradient() }
        let tape = Tape(compute: compute, records: true, step: RandomKey(seed: 7))
        let y = try run(tape)
        let value = y.value.bits
        tape.backward(from: y, gradient: randomTensor([rows, Self.inputs], seed: 3))
        return try [value] + block.parameters.map { try #require($0.gradient).bits }
      }
      let unseen = try bits { try block.run($0) }
      var held: [Variable] = []
      #expect(try bits { try block.run($0) { held.append($0) } } == unseen, "\(computeClass), held")
      held = []
      if dropout == 0 {
        // Nothing is kept, so that everything in between exists for tiles alone.
        let inference = Tape(compute: compute, records: false)
        #expect(try block.run(inference).value.bits == unseen[0], "\(computeClass), without a record")
      }
      #expect(try bits { try block.run($0) { _ = $0.value } } == unseen, "\(computeClass), read")
    }
  }

  /// Arrays of a backward pass exist for tiles alone whoever looks, so they are held against central differences.
  @Test func gradientsAreThoseOfTheWhole() throws {
    let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best)
    let block = try Block(rows: 70, dropout: 0, compute)
    #expect(
      try GradientCheck.differences(block.parameters, compute, tolerance: 1e-2) { [try block.run($0)] }.isEmpty)
  }

  /// Sixteen thousand rows of 80 numbers are 5 MB: the three arrays of that width in a forward pass, and the three of
  /// their gradients, are never there as a whole.
  @Test func whatNobodyWantsTakesTheMemoryOfATile() async {
    await #expect(processExitsWith: .success) {
      let rows = 1 << 14
      let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best)
      let block = try Block(rows: rows, dropout: 0, compute)
      let tape = Tape(compute: compute, records: false)
      let before = MemoryPool.shared.liveBytes
      MemoryPool.shared.resetPeak()
      let y = try block.run(tape)
      let (input, whole) = (
        Tensor.memory([rows, RowProgramTests.inputs]), Tensor.memory([rows, RowProgramTests.wide])
      )
      _ = y.value
      let taken = MemoryPool.shared.peakBytes - before
      // The input, the result, and less than one of the wide arrays besides.
      #expect(taken < 2 * input + whole, "\(taken) bytes taken")
    }
  }
}
