import Diagnostics
import Tensors
import Testing

@Suite struct LossTests {
  /// 2048 and 4100 tokens end at and behind the borders of chunks; 260 rows make two blocks.
  @Test(arguments: [(1, 1), (5, 7), (3, 2048), (9, 4100), (260, 30), (0, 5)])
  func blocksAgreeWithTheDefinition(rows: Int, vocabulary: Int) throws {
    let x = randomTensor([rows, 6], seed: 1)
    let head = randomTensor([vocabulary, 6], seed: 2)
    let targets = (0..<rows).map { Int32(($0 * 911 + 3) % vocabulary) }
    let weights = (0..<rows).map { Float($0 % 4) }
    let expected = naiveLogProbabilities(x: x.values, head: head.values, width: 6, targets: targets)
    let loss = -zip(weights, expected.logProbabilities).reduce(0) { $0 + Double($1.0) * $1.1 }
    for compute in allComputes() {
      let weight = try MatrixWeight(frozen: head, compute: compute)
      let tape = Tape(compute: compute, records: false)
      let found = try tape.crossEntropy(Variable(x), head: OutputHead(weight), targets: targets, weights: weights)
      #expect(distance(found.logProbabilities, expected.logProbabilities.map { Float($0) }) < 1e-5)
      #expect(found.correct == expected.correct)
      #expect(distance(found.loss.value.values, [Float(loss)]) < 1e-5)
      let logs = try tape.labelLogProbabilities(Variable(x), head: OutputHead(weight), targets: targets)
      #expect(logs.value.values.map(\.bitPattern) == found.logProbabilities.map(\.bitPattern))
    }
  }

  @Test func gradientsAgreeWithTheDefinition() throws {
    let x = randomParameter("x", [5, 6], seed: 1)
    let head = randomTensor([3000, 6], seed: 2)
    let targets: [Int32] = [0, 2047, 2048, 2999, 5]
    let weights: [Float] = [1, 2, 0, 0.5, 1]
    let expected = naiveLogProbabilities(x: x.value.values, head: head.values, width: 6, targets: targets)
    var gradient = [Float](repeating: 0, count: 30)
    for row in 0..<5 {
      for c in 0..<6 {
        let sum = (0..<3000).reduce(0.0) { total, token in
          let p = expected.probabilities[row][token] - (token == Int(targets[row]) ? 1 : 0)
          return total + p * Double(head.pointer[token * 6 + c])
        }
        gradient[row * 6 + c] = Float(sum) * weights[row]
      }
    }
    for compute in allComputes() {
      x.clearGradient()
      let tape = Tape(compute: compute, records: true)
      let weight = try MatrixWeight(frozen: head, compute: compute)
      let loss = try tape.crossEntropy(try tape.input(x), head: OutputHead(weight), targets: targets, weights: weights)
        .loss
      tape.backward(from: loss, gradient: 2)
      #expect(distance(x.gradient?.values ?? [], gradient.map { 2 * $0 }) < 1e-5)
    }
  }

  @Test func wrongLabelsAreRefused() throws {
    let compute = allComputes()[0]
    let tape = Tape(compute: compute, records: false)
    let head = try MatrixWeight(frozen: Tensor(shape: [5, 2]), compute: compute)
    let x = Variable(Tensor(shape: [2, 2]))
    #expect(throws: TensorError.tokenOutOfRange(operation: "cross entropy", id: 5, count: 5)) {
      try tape.crossEntropy(x, head: OutputHead(head), targets: [0, 5], weights: [1, 1])
    }
    #expect(throws: TensorError.countMismatch(operation: "cross entropy", name: "targets", expected: 2, found: 1)) {
      try tape.crossEntropy(x, head: OutputHead(head), targets: [0], weights: [1])
    }
    #expect(throws: TensorError.countMismatch(operation: "cross entropy", name: "weights", expected: 2, found: 1)) {
      try tape.crossEntropy(x, head: OutputHead(head), targets: [0, 1], weights: [1])
    }
    let error = #expect(throws: TensorError.self) {
      try tape.embed([-1], table: Parameter(name: "t", value: Tensor(shape: [5, 2])))
    }
    #expect(error?.diagnostics[0].summary == "`embed` met token id -1, but the table has 5 rows")
  }
}
