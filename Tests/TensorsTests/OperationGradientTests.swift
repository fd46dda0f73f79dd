import Tensors
import TestKit
import Testing

/// Each backward pass against central differences, for every class of kernels.
@Suite struct OperationGradientTests {
  static let computes = allComputes()

  @Test func embedding() throws {
    for compute in OperationGradientTests.computes {
      let table = randomParameter("table", [7, 5], seed: 1)
      let found = try GradientCheck.differences([table], compute) { tape in
        [try tape.embed([3, 1, 3, 3, 6, 0, 1], table: table)]
      }
      #expect(found.isEmpty)
      #expect(table.gradient?.values[10..<15].allSatisfy { $0 == 0 } == true)
    }
  }

  /// Some rows of x make way for those of another array, one of which stands in two places and one in none.
  @Test func replacedRows() throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [5, 7], seed: 1)
      let other = randomParameter("other", [3, 7], seed: 2)
      #expect(
        try GradientCheck.differences([x, other], compute) { tape in
          [tape.replaceRows(try tape.input(x), [nil, 2, 0, nil, 2], with: try tape.input(other))]
        }.isEmpty)
      #expect(other.gradient?.values[7..<14].allSatisfy { $0 == 0 } == true)
      #expect(x.gradient?.values[7..<21].allSatisfy { $0 == 0 } == true)
    }
  }

  @Test(arguments: [1, 6, 70])
  func norms(rows: Int) throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [rows, 19], seed: 1)
      let residual = randomParameter("residual", [rows, 19], seed: 2)
      let weight = randomParameter("weight", [19], seed: 3)
      #expect(
        try GradientCheck.differences([x, weight], compute) { tape in
          [tape.rmsNorm(try tape.input(x), weight: weight, epsilon: 1e-5)]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x, residual, weight], compute) { tape in
          let (sum, normed) = tape.addRMSNorm(
            try tape.input(residual), try tape.input(x), weight: weight, epsilon: 1e-5)
          return [sum, normed]
        }.isEmpty)
    }
  }

  /// The norms of heads and of rows, with weights that are shared, each head's own, raised, and none.
  @Test(arguments: [NormFunction.Kind.rootMeanSquare, .layer])
  func normsOfHeads(kind: NormFunction.Kind) throws {
    let x = randomParameter("x", [67, 21], seed: 1)
    for compute in OperationGradientTests.computes {
      for (shape, hasBias, offset) in [([7], false, Float(0)), ([3, 7], true, 0), ([7], true, 1), ([3, 7], false, 1)] {
        let weight = randomParameter("weight", shape, seed: 3)
        let bias = hasBias && kind == .layer ? randomParameter("bias", shape, seed: 4) : nil
        let function = NormFunction(kind, epsilon: 1e-5, weightOffset: offset)
        #expect(
          try GradientCheck.differences([x, weight] + [bias].compactMap { $0 }, compute) { tape in
            [tape.norm(try tape.input(x), function, NormWeights(weight: weight, bias: bias), width: 7)]
          }.isEmpty)
      }
      if kind == .rootMeanSquare { continue }
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          let input = try tape.input(x)
          let (sum, normed) = tape.addNorm(
            input, input, NormFunction(kind, epsilon: 1e-5), NormWeights(weight: nil))
          return [sum, normed]
        }.isEmpty)
    }
  }

  @Test(arguments: Activation.allCases)
  func activations(function: Activation) throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [5, 9], seed: 1)
      // Away from where a function has no derivative.
      for index in 0..<x.value.count { x.value.pointer[index] += x.value.pointer[index] < 0 ? -0.1 : 0.1 }
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.scale(tape.activation(try tape.input(x), function), by: 3)]
        }.isEmpty)
    }
  }

  @Test(arguments: [5, 70])
  func rowsTimesNumbers(rows: Int) throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [rows, 9], seed: 1)
      let factors = (0..<rows).map { 1 + 0.1 * Float($0) }
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.scaleRows(try tape.input(x), by: factors)]
        }.isEmpty)
    }
  }

  @Test(arguments: [5, 70])
  func clamps(rows: Int) throws {
    let x = randomParameter("x", [rows, 9], seed: 1)
    // Away from where it has no derivative.
    for index in 0..<x.value.count where abs(abs(x.value.pointer[index]) - 0.6) < 0.1 { x.value.pointer[index] = 0.4 }
    for compute in OperationGradientTests.computes {
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.clamp(try tape.input(x), to: 0.6)]
        }.isEmpty)
      let tape = Tape(compute: compute, records: false)
      #expect(
        tape.clamp(Variable(x.value), to: 0.6).value.values == x.value.values.map { min(max($0, -0.6), 0.6) })
      let edges = Variable(Tensor(shape: [1, 4], values: [.infinity, -.infinity, .nan, -0.6]))
      let clamped = tape.clamp(edges, to: 0.6).value.values
      #expect(clamped[0] == 0.6 && clamped[1] == -0.6 && clamped[2].isNaN && clamped[3] == -0.6)
    }
  }

  @Test func gatesOfOneMap() throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [5, 18], seed: 1)
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [tape.gatedActivation(fused: try tape.input(x), .silu)]
        }.isEmpty)
    }
  }

  @Test func rotations() throws {
    let table = RotaryTable(
      frequencies: [1, 0.1], maximumPosition: 9, start: 1, turnsPairs: true, factor: 1.5)
    let x = randomParameter("x", [5, 12], seed: 1)
    for compute in OperationGradientTests.computes {
      #expect(
        try GradientCheck.differences([x], compute) { tape in
          [try tape.rotate(try tape.input(x), table, positions: [0, 1, 2, 0, 8], dimension: 6)]
        }.isEmpty)
    }
  }

  @Test(arguments: GatedActivation.allCases)
  func gatedActivations(kind: GatedActivation) throws {
    for compute in OperationGradientTests.computes {
      let gate = randomParameter("gate", [5, 9], seed: 1)
      let up = randomParameter("up", [5, 9], seed: 2)
      #expect(
        try GradientCheck.differences([gate, up], compute) { tape in
          [tape.gatedActivation(gate: try tape.input(gate), up: try tape.input(up), kind)]
        }.isEmpty)
    }
  }

  @Test func sumsAndSelections() throws {
    for compute in OperationGradientTests.computes {
      let a = randomParameter("a", [6, 3], seed: 1)
      let b = randomParameter("b", [6, 3], seed: 2)
      // `a` has three consumers; row 4 is taken twice.
      let found = try GradientCheck.differences([a, b], compute) { tape in
        let x = try tape.input(a)
        let sum = tape.add(x, tape.add(try tape.input(b), x))
        return [sum, try tape.selectRows(sum, [4, 0, 4]), try tape.selectRows(x, [5, 2])]
      }
      #expect(found.isEmpty)
    }
  }

  @Test(arguments: [0, 0.3] as [Float])
  func projections(dropout: Float) throws {
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [300, 11], seed: 1)
      let weight = randomParameter("weight", [13, 11], seed: 2)
      let bias = randomParameter("bias", [13], seed: 3)
      let a = randomParameter("a", [3, 11], seed: 4)
      let b = randomParameter("b", [13, 3], seed: 5)
      let a2 = randomParameter("a2", [2, 11], seed: 6)
      let b2 = randomParameter("b2", [6, 2], seed: 7)
      let projections = [
        try Projection(
          weight: try MatrixWeight(trainable: weight, compute: compute), bias: bias,
          adapter: try LowRankAdapter(a: a, b: b, scale: 1.5, dropout: dropout, dropoutStream: 1)),
        try Projection(weight: try MatrixWeight(frozen: randomTensor([4, 11], seed: 8), compute: compute)),
        try Projection(
          weight: try MatrixWeight(frozen: randomTensor([6, 11], seed: 9), compute: compute),
          adapter: try LowRankAdapter(a: a2, b: b2, scale: 0.5, dropout: dropout, dropoutStream: 2)),
      ]
      #expect(
        try GradientCheck.differences([x, weight, bias, a, b, a2, b2], compute, tolerance: 1e-2) { tape in
          tape.project(try tape.input(x), projections)
        }.isEmpty)
    }
  }

  @Test(arguments: [[1], [5, 1, 3], [70], [0, 66, 2]])
  func attention(lengths: [Int]) throws {
    let layout = SequenceLayout(lengths: lengths)
    let rotary = RotaryTable(headDimension: 6, maximumPosition: 80, base: 100)
    for compute in OperationGradientTests.computes {
      let q = randomParameter("q", [layout.tokenCount, 4 * 6], seed: 1)
      let k = randomParameter("k", [layout.tokenCount, 2 * 6], seed: 2)
      let v = randomParameter("v", [layout.tokenCount, 2 * 6], seed: 3)
      for table in [rotary, nil] {
        let found = try GradientCheck.differences([q, k, v], compute) { tape in
          [
            try tape.attention(
              q: try tape.input(q), k: try tape.input(k), v: try tape.input(v),
              AttentionShape(heads: 4, keyValueHeads: 2, headDimension: 6, scale: 0.4, rotary: table),
              in: .packed(layout))
          ]
        }
        #expect(found.isEmpty)
      }
    }
  }

  /// 5000 tokens span three chunks of the vocabulary, 300 rows two blocks.
  @Test(arguments: [(3, 5), (4, 5000), (300, 40)])
  func losses(rows: Int, vocabulary: Int) throws {
    let targets = (0..<rows).map { Int32(($0 * 1237) % vocabulary) }
    let weights = (0..<rows).map { Float($0 % 3) * 0.5 }
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [rows, 8], seed: 1)
      let head = randomParameter("head", [vocabulary, 8], seed: 2, scale: 0.5)
      let weight = try MatrixWeight(trainable: head, compute: compute)
      #expect(
        try GradientCheck.differences([x, head], compute, tolerance: 1e-2) { tape in
          [try tape.crossEntropy(try tape.input(x), head: OutputHead(weight), targets: targets, weights: weights).loss]
        }.isEmpty)
      #expect(
        try GradientCheck.differences([x, head], compute, tolerance: 1e-2) { tape in
          [try tape.labelLogProbabilities(try tape.input(x), head: OutputHead(weight), targets: targets)]
        }.isEmpty)
    }
  }

  /// Losses of the whole distribution, of what is smoothed and of what is held to another one, with a cap and without.
  @Test(arguments: [(3, 5), (4, 5000)])
  func lossesOfDistributions(rows: Int, vocabulary: Int) throws {
    let targets = (0..<rows).map { Int32(($0 * 1237) % vocabulary) }
    let weights = (0..<rows).map { Float($0 + 1) * 0.5 }
    for compute in OperationGradientTests.computes {
      let x = randomParameter("x", [rows, 8], seed: 1)
      let head = randomParameter("head", [vocabulary, 8], seed: 2, scale: 0.5)
      let other = OutputHead(
        try MatrixWeight(frozen: randomTensor([vocabulary, 6], seed: 3, scale: 0.5), compute: compute))
      let hidden = randomTensor([rows, 6], seed: 4)
      for (smoothing, direction, cap) in [
        (0.3, nil, nil), (0, LabelDivergence.Direction.forward, nil), (0.1, .reverse, nil), (0.2, .forward, 2),
      ] as [(Float, LabelDivergence.Direction?, Float?)] {
        let own = OutputHead(try MatrixWeight(trainable: head, compute: compute), softCap: cap)
        #expect(
          try GradientCheck.differences([x, head], compute, tolerance: 1e-2) { tape in
            [
              try tape.crossEntropy(
                try tape.input(x), head: own, targets: targets, weights: weights, smoothing: smoothing,
                divergence: direction.map {
                  LabelDivergence(hidden: hidden, head: other, direction: $0, weight: 0.7)
                }
              ).loss
            ]
          }.isEmpty)
      }
    }
  }

  @Test func aTiedHeadGetsBothGradients() throws {
    for compute in OperationGradientTests.computes {
      let table = randomParameter("table", [9, 4], seed: 1)
      let head = try MatrixWeight(trainable: table, compute: compute)
      #expect(
        try GradientCheck.differences([table], compute) { tape in
          let x = try tape.embed([1, 2, 3, 1], table: table)
          return [
            try tape.crossEntropy(x, head: OutputHead(head), targets: [2, 3, 1, 8], weights: [1, 1, 0.5, 2]).loss
          ]
        }.isEmpty)
    }
  }

  @Test func scalarsOfVectors() throws {
    let compute = OperationGradientTests.computes[0]
    let a = randomParameter("a", [3], seed: 1)
    // f = Σ a²; its derivative is 2 a.
    let tape = Tape(compute: compute, records: true)
    let x = try tape.embed(
      [0, 1, 2], table: Parameter(name: "a", value: Tensor(shape: [3, 1], values: a.value.values), isTrainable: true))
    let twice = Tensor(shape: [3, 1], values: a.value.values.map { 2 * $0 })
    let y = tape.scalar(of: [x], value: a.value.values.reduce(0) { $0 + $1 * $1 }, gradients: [twice])
    #expect(y.needsGradient)
    tape.backward(from: y, gradient: 3)
    let found = GradientCheck.differences([a], compute) { tape in
      let x = Variable(a.value, needsGradient: false)
      return [tape.add(x, x)].map { Variable($0.value, needsGradient: true) }
    }
    #expect(!found.isEmpty, "A check of something without a backward pass reports differences")
  }
}
