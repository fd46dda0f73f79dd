import Tensors
import TestKit
import Testing

/// Experts, their choice and what goes with them.
@Suite struct ExpertTests {
  private static let (count, width, size) = (5, 9, 7)

  private func experts(_ compute: Compute, hasBias: Bool) throws -> [Expert] {
    try (0..<Self.count).map { number in
      func matrix(_ name: String, _ shape: [Int]) throws -> MatrixWeight {
        try MatrixWeight(
          trainable: randomParameter("\(number).\(name)", shape, seed: UInt64(number * 10 + shape[0])),
          compute: compute)
      }
      func bias(_ name: String, _ count: Int) -> Parameter? {
        hasBias ? randomParameter("\(number).\(name)", [count], seed: UInt64(number + 90)) : nil
      }
      return Expert(
        gate: try matrix("gate", [Self.size, Self.width]), up: try matrix("up", [Self.size, Self.width]),
        down: try matrix("down", [Self.width, Self.size]), gateBias: bias("gate bias", Self.size),
        upBias: bias("up bias", Self.size), downBias: bias("down bias", Self.width))
    }
  }

  private static let rules: [RoutingRule] = [
    RoutingRule(chosen: 2), RoutingRule(chosen: 2, normalisation: .sum(epsilon: 0), scale: 1.5),
    RoutingRule(.sigmoid, chosen: 3, normalisation: .sum(epsilon: 1e-20), scale: 2),
    RoutingRule(.softmax, chosen: 2, normalisation: .sumAtLeast(1e-12)),
  ]

  /// More rows than are worked on at a time, and experts that no row goes to.
  @Test(arguments: rules.indices, [false, true])
  func gradientsAgreeWithFiniteDifferences(rule: Int, hasBias: Bool) throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [5, Self.width], seed: 1)
      let logits = randomParameter("logits", [5, Self.count], seed: 2)
      let experts = try experts(compute, hasBias: hasBias)
      let found = try GradientCheck.differences([x, logits] + experts.flatMap(\.parameters), compute) { tape in
        let (chosen, weights) = tape.route(try tape.input(logits), Self.rules[rule])
        return [
          tape.experts(try tape.input(x), chosen: chosen, weights: weights, experts, hasBias ? .clamped : .silu)
        ]
      }
      #expect(found.isEmpty)
    }
  }

  /// Against each row and expert by itself.
  @Test func manyRowsAgreeWithTheDefinition() throws {
    let (x, logits) = (randomTensor([200, Self.width], seed: 1), randomTensor([200, Self.count], seed: 2))
    for compute in allComputes() {
      let tape = Tape(compute: compute, records: false)
      let experts = try experts(compute, hasBias: false)
      let (chosen, weights) = tape.route(Variable(logits), Self.rules[1])
      let found = tape.experts(Variable(x), chosen: chosen, weights: weights, experts, .silu).value
      var expected = [Float](repeating: 0, count: found.count)
      for row in 0..<200 {
        let input = Variable(
          Tensor(shape: [1, Self.width], values: (0..<Self.width).map { x.pointer[row * Self.width + $0] }))
        for place in 0..<2 {
          let expert = experts[Int(chosen[row * 2 + place])]
          let parts = tape.project(input, [try Projection(weight: expert.gate), try Projection(weight: expert.up)])
          let inner = tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
          let y = tape.project(inner, [try Projection(weight: expert.down)])[0].value
          for column in 0..<Self.width {
            expected[row * Self.width + column] += weights.value.pointer[row * 2 + place] * y.pointer[column]
          }
        }
      }
      // Terms cancel, and orders of summation differ between classes of kernels.
      #expect(distance(found.values, expected) < 5e-5)
    }
  }

  @Test func groupsAndCorrectionsLimitTheChoice() {
    // Four groups of two.
    let logits = Tensor(shape: [1, 8], values: [5, 0, 4, 3, 3.9, 0, 1, 1])
    func chosen(_ rule: RoutingRule, correction: [Float]? = nil) -> [Int32] {
      let tape = Tape(compute: allComputes()[0], records: false)
      return tape.route(
        Variable(logits), rule, correction: correction.map { Tensor(shape: [8], values: $0) }
      ).experts
    }
    #expect(chosen(RoutingRule(chosen: 3)) == [0, 2, 4])
    let best = RoutingRule.Groups(count: 4, chosen: 2, countsTwo: false)
    #expect(chosen(RoutingRule(chosen: 3, groups: best)) == [0, 2, 3])
    let two = RoutingRule.Groups(count: 4, chosen: 1, countsTwo: true)
    #expect(chosen(RoutingRule(.sigmoid, chosen: 2, groups: two)) == [2, 3])
    #expect(chosen(RoutingRule(.sigmoid, chosen: 2), correction: [-1, 0, 0, 0, 0, 0, 0, 0.9]) == [2, 7])
  }

  @Test func gatesColumnsAndJoinedKeys() throws {
    let x = randomParameter("x", [67, 12], seed: 1)
    let gate = randomParameter("gate", [67, 1], seed: 2)
    let shared = randomParameter("shared", [67, 7], seed: 3)
    for compute in OperationGradientTests.computes {
      let found = try GradientCheck.differences([x, gate, shared], compute) { tape in
        let input = try tape.input(x)
        return [
          tape.gateRows(input, by: try tape.input(gate)), tape.columns(of: input, 3..<8),
          tape.joinedKeys(input, shared: try tape.input(shared), from: 4, heads: 3, still: 2, turned: 3),
        ]
      }
      #expect(found.isEmpty)
    }
  }

  @Test func threadsChangeNoBit() throws {
    func bits(_ threads: Int) throws -> [[UInt32]] {
      let compute = try Compute(threads: threads)
      let x = randomParameter("x", [150, Self.width], seed: 1)
      let logits = randomParameter("logits", [150, Self.count], seed: 2)
      let experts = try experts(compute, hasBias: true)
      let tape = Tape(compute: compute, records: true)
      let (chosen, weights) = tape.route(try tape.input(logits), Self.rules[1])
      let y = tape.experts(try tape.input(x), chosen: chosen, weights: weights, experts, .clamped)
      tape.backward(from: y)
      return [y.value.bits] + ([x, logits] + experts.flatMap(\.parameters)).map { $0.gradient?.bits ?? [] }
    }
    let one = try bits(1)
    for threads in 2...3 { #expect(try bits(threads) == one) }
  }
}
