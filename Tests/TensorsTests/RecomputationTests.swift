import Tensors
import Testing

@Suite("What a part of a tape computes again")
struct RecomputationTests {
  private let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best)
  private let table = randomParameter("x", [130, 32], seed: 1)
  private let norm = randomParameter("norm", [32], seed: 2)

  private let map = randomParameter("map", [32, 32], seed: 4)

  private func part(_ tape: Tape, _ x: Variable) throws -> Variable {
    let normed = tape.rmsNorm(x, weight: norm, epsilon: 1e-5)
    let gated = tape.gatedActivation(gate: normed, up: x, .silu)
    let weight = try MatrixWeight(trainable: map, compute: compute)
    let projection = try Projection(weight: weight)
    return tape.withoutRecomputation { tape.add(x, tape.project(gated, [projection])[0]) }
  }

  @Test func valuesAndGradientsAreTheSameBits() throws {
    func run(recomputes: Bool) throws -> [[UInt32]] {
      table.clearGradient()
      norm.clearGradient()
      map.clearGradient()
      let tape = Tape(compute: compute, records: true)
      // x goes on beside the part too, as residual streams do: its gradient has several parts.
      let x = try tape.input(table)
      let y = try tape.recomputed(x, when: recomputes, part)
      let z = tape.add(tape.gatedActivation(gate: y, up: x, .geluTanh), x)
      tape.backward(from: z, gradient: randomTensor([130, 32], seed: 3))
      return try [z.value.bits] + [table, norm, map].map { try #require($0.gradient).bits }
    }
    #expect(try run(recomputes: true) == run(recomputes: false))
  }

  @Test func nothingButInputAndResultIsKept() throws {
    let tape = Tape(compute: compute, records: true)
    weak var inside: Tensor?
    var runs = 0
    let y = tape.recomputed(try tape.input(table)) { [self] tape, x in
      runs += 1
      let normed = tape.rmsNorm(x, weight: norm, epsilon: 1e-5)
      inside = normed.value
      return tape.gatedActivation(gate: normed, up: normed, .silu)
    }
    _ = y.value
    #expect(inside == nil)
    tape.backward(from: y)
    #expect(runs == 2)
    #expect(inside == nil)
  }

  @Test func aTapeThatDoesNotRecordRunsThePartOnce() throws {
    let tape = Tape(compute: compute, records: false)
    var runs = 0
    let y = try tape.recomputed(try tape.input(table)) { [self] tape, x in
      runs += 1
      return try part(tape, x)
    }
    #expect(!y.needsGradient)
    #expect(runs == 1)
  }

  /// A part with nothing to train over an input that needs no gradient leaves nothing behind.
  @Test func aFrozenPartNeedsNoGradient() throws {
    let frozen = Parameter(name: "frozen", value: table.value)
    let tape = Tape(compute: compute, records: true)
    let y = tape.recomputed(try tape.input(frozen)) { tape, x in tape.add(x, x) }
    #expect(!y.needsGradient)
  }
}
