import Tensors
import TestKit
import Testing

/// Operations around a map's product: each backward pass against central differences, with rows that are a multiple of
/// nothing.
@Suite struct ParameterOperationTests {
  @Test(arguments: [1, 6, 70])
  func columns(rows: Int) throws {
    let x = randomParameter("x", [rows, 12], seed: 1)
    let v = randomParameter("v", [12, 1], seed: 2)
    for compute in allComputes() {
      #expect(
        try GradientCheck.differences([x, v], compute) { tape in
          [tape.scaleColumns(try tape.input(x), by: tape.variable(of: v))]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x, v], compute) { tape in
          [tape.addToColumns(try tape.input(x), tape.variable(of: v))]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.permuteColumns(try tape.input(x), [3, 0, 1, 2, 11, 10, 9, 8, 7, 6, 5, 4])]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.dropout(try tape.input(x), probability: 0.3, stream: 7)]
        }.isEmpty)
    }
  }

  @Test(arguments: [1, 6, 70])
  func products(rows: Int) throws {
    let x = randomParameter("x", [rows, 12], seed: 1)
    let a = randomParameter("a", [5, 12], seed: 2)
    let b = randomParameter("b", [12, 5], seed: 3)
    let blocks = randomParameter("blocks", [3, 4, 4], seed: 4)
    for compute in allComputes() {
      #expect(
        try GradientCheck.differences([x, a, b], compute) { tape in
          let x = try tape.input(x)
          return [
            tape.product(x, tape.variable(of: a)), tape.product(x, tape.variable(of: b), transposed: false),
          ]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x, blocks], compute) { tape in
          [tape.rotateBlocks(try tape.input(x), tape.variable(of: blocks))]
        }.isEmpty)
    }
  }

  /// The first rows and columns of a larger matrix that is not trained.
  @Test func aPartOfAMatrix() throws {
    let x = randomParameter("x", [7, 4], seed: 1)
    let m = randomTensor([6, 9], seed: 2)
    let compute = allComputes()[0]
    let part = Tensor(shape: [3, 4], values: (0..<3).flatMap { row in (0..<4).map { m.values[row * 9 + $0] } })
    let tape = Tape(compute: compute, records: false)
    #expect(
      tape.product(Variable(x.value), Variable(m), outputs: 3).value.values
        == tape.product(Variable(x.value), Variable(part)).value.values)
    #expect(
      try GradientCheck.differences([x], compute) { tape in
        [tape.product(try tape.input(x), Variable(m), outputs: 3)]
      }.isEmpty)
  }

  @Test(arguments: [nil, 1, 2, 3, 4, 5, 7])
  func rotations(terms: Int?) throws {
    // Any square: the derivative does not depend on what stands below the diagonal.
    let angles = randomParameter("angles", [2, 3, 3], seed: 1, scale: 0.2)
    for compute in allComputes() {
      #expect(
        GradientCheck.differences([angles], compute) { tape in
          [tape.rotations(tape.variable(of: angles), terms: terms)]
        }.isEmpty)
    }
  }

  @Test func aWholeRotationIsOrthogonal() throws {
    let skew = Tensor(shape: [1, 3, 3], values: [0, 0.4, -0.2, -0.4, 0, 0.7, 0.2, -0.7, 0])
    let tape = Tape(compute: allComputes()[0], records: false)
    let r = tape.rotations(Variable(skew), terms: nil).value.values
    for i in 0..<3 {
      for j in 0..<3 {
        let product = (0..<3).reduce(Float(0)) { $0 + r[i * 3 + $1] * r[j * 3 + $1] }
        #expect(abs(product - (i == j ? 1 : 0)) < 1e-6)
      }
    }
  }

  /// What `torch.empty(4).uniform_(-1, 1, generator=torch.Generator().manual_seed(0))` gives.
  @Test func randomNumbersOfPyTorch() {
    var random = MersenneTwister(seed: 0)
    #expect(
      (0..<4).map { _ in random.uniform(1) } == [
        -0.007486820220947266, 0.5364435911178589, -0.8230451345443726, -0.7359390258789062,
      ])
  }
}
