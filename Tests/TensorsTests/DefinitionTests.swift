import Foundation
import Tensors
import Testing

/// The small operations against their formulas in double.
@Suite struct DefinitionTests {
  @Test func normsFollowTheirFormula() throws {
    let x = randomTensor([70, 33], seed: 1)
    let residual = randomTensor([70, 33], seed: 2)
    let weight = Parameter(name: "weight", value: randomTensor([33], seed: 3))
    func expected(_ values: [Float]) -> [Float] {
      (0..<70).flatMap { row in
        let part = values[row * 33..<(row + 1) * 33].map { Double($0) }
        let root = (part.reduce(0) { $0 + $1 * $1 } / 33 + 1e-2).squareRoot()
        return part.enumerated().map { Float($0.element / root * Double(weight.value.pointer[$0.offset])) }
      }
    }
    let total = zip(x.values, residual.values).map { $0 + $1 }
    for compute in allComputes() {
      let tape = Tape(compute: compute, records: false)
      let plain = tape.rmsNorm(Variable(x), weight: weight, epsilon: 1e-2)
      #expect(distance(plain.value.values, expected(x.values)) < 1e-6)
      let (sum, normed) = tape.addRMSNorm(Variable(residual), Variable(x), weight: weight, epsilon: 1e-2)
      #expect(sum.value.values == total)
      #expect(distance(normed.value.values, expected(total)) < 1e-6)
    }
  }

  @Test func gatedActivationsFollowTheirFormulas() {
    let gate = randomTensor([1000], seed: 1, scale: 4)
    let up = randomTensor([1000], seed: 2)
    let formulas: [(GatedActivation, (Double) -> Double)] = [
      (.silu, { $0 / (1 + exp(-$0)) }),
      (.geluTanh, { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }),
      (.gelu, { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) }),
    ]
    for compute in allComputes() {
      for (kind, formula) in formulas {
        let h = Tape(compute: compute, records: false).gatedActivation(gate: Variable(gate), up: Variable(up), kind)
        let expected = zip(gate.values, up.values).map { Float(formula(Double($0)) * Double($1)) }
        #expect(distance(h.value.values, expected) < 2e-6, "\(kind)")
      }
    }
  }

  @Test func rowsAreTakenInTheGivenOrder() throws {
    let compute = allComputes()[0]
    let tape = Tape(compute: compute, records: false)
    let table = Parameter(name: "table", value: Tensor(shape: [3, 2], values: [0, 1, 2, 3, 4, 5]))
    let x = try tape.embed([2, 0, 2], table: table)
    #expect(x.value.shape == [3, 2])
    #expect(x.value.values == [4, 5, 0, 1, 4, 5])
    #expect(try tape.selectRows(x, [1, 0]).value.values == [0, 1, 4, 5])
    #expect(try tape.selectRows(x, []).value.shape == [0, 2])
    #expect(throws: TensorError.tokenOutOfRange(operation: "select rows", id: 3, count: 3)) {
      try tape.selectRows(x, [3])
    }
  }
}
