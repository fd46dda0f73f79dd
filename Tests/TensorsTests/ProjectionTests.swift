import Diagnostics
import Tensors
import Testing

@Suite struct ProjectionTests {
  /// Rows and columns around the borders of tiles, one row, and none.
  @Test(arguments: [(1, 200, 30), (2, 3, 1), (257, 193, 20), (0, 5, 4), (300, 1, 7)])
  func productsAgreeWithTheDefinition(rows: Int, outputs: Int, inputs: Int) throws {
    let x = randomTensor([rows, inputs], seed: 1)
    let w = randomTensor([outputs, inputs], seed: 2)
    let a = Parameter(name: "a", value: randomTensor([4, inputs], seed: 3))
    let b = Parameter(name: "b", value: randomTensor([outputs, 4], seed: 4))
    let bias = Parameter(name: "bias", value: randomTensor([outputs], seed: 5))
    let hidden = naiveProduct(x.values, a.value.values, inner: inputs)
    let low = naiveProduct(hidden, b.value.values, inner: 4)
    var expected = naiveProduct(x.values, w.values, inner: inputs)
    for i in expected.indices { expected[i] += 0.5 * low[i] + bias.value.pointer[i % outputs] }
    for compute in allComputes() {
      let projection = try Projection(
        weight: try MatrixWeight(frozen: w, compute: compute), bias: bias,
        adapter: try LowRankAdapter(a: a, b: b, scale: 0.5, dropout: 0.9))
      // A tape that does not record drops nothing.
      let y = Tape(compute: compute, records: false).project(Variable(x), [projection, projection])
      #expect(distance(y[0].value.values, expected) < 1e-4)
      #expect(y[1].value.bits == y[0].value.bits)
      #expect(!y[0].needsGradient)
    }
  }

  @Test func frozenThingsGetNoGradient() throws {
    let compute = allComputes()[0]
    let table = randomParameter("table", [4, 6], seed: 1)
    table.isTrainable = false
    let weight = randomParameter("weight", [5, 6], seed: 2)
    weight.isTrainable = false
    let tape = Tape(compute: compute, records: true)
    let x = try tape.embed([0, 1], table: table)
    let y = tape.project(x, [try Projection(weight: try MatrixWeight(trainable: weight, compute: compute))])[0]
    #expect(!x.needsGradient && !y.needsGradient)
    tape.backward(from: y)
    #expect(table.gradient == nil && weight.gradient == nil)
  }

  @Test func droppedInputsKeepTheirMean() throws {
    let compute = allComputes()[0]
    let a = Parameter(name: "a", value: Tensor(shape: [1, 4000], values: Array(repeating: 1, count: 4000)))
    let b = Parameter(name: "b", value: Tensor(shape: [1, 1], values: [1]), isTrainable: true)
    let projection = try Projection(
      weight: try MatrixWeight(frozen: Tensor(shape: [1, 4000]), compute: compute),
      adapter: try LowRankAdapter(a: a, b: b, scale: 1, dropout: 0.25, dropoutStream: 4))
    let x = Tensor(shape: [1, 4000], values: Array(repeating: 1, count: 4000))
    func output(_ seed: UInt64) -> Float {
      Tape(compute: compute, records: true, step: RandomKey(seed: seed)).project(Variable(x), [projection])[0].value
        .pointer[0]
    }
    #expect(abs(output(1) - 4000) < 200)
    #expect(output(1) == output(1))
    #expect(output(1) != output(2))
  }

  @Test func shapesThatDoNotFitAreRefused() throws {
    let compute = allComputes()[0]
    let weight = try MatrixWeight(frozen: Tensor(shape: [3, 4]), compute: compute)
    #expect(throws: TensorError.shape(operation: "matrix weight", name: "w", expected: [3, 1], found: [3])) {
      try MatrixWeight(trainable: Parameter(name: "w", value: Tensor(shape: [3])), compute: compute)
    }
    #expect(throws: TensorError.shape(operation: "projection", name: "bias", expected: [3], found: [4])) {
      try Projection(weight: weight, bias: Parameter(name: "bias", value: Tensor(shape: [4])))
    }
    let a = Parameter(name: "a", value: Tensor(shape: [2, 5]))
    let b = Parameter(name: "b", value: Tensor(shape: [3, 2]))
    let error = #expect(throws: TensorError.self) {
      try Projection(weight: weight, adapter: try LowRankAdapter(a: a, b: b, scale: 1))
    }
    #expect(error?.diagnostics[0].summary == "`projection` wants `a` of shape [2, 4], found [2, 5]")
    #expect(throws: TensorError.shape(operation: "low-rank adapter", name: "b", expected: [3, 1], found: [3, 2])) {
      try LowRankAdapter(a: Parameter(name: "a", value: Tensor(shape: [1, 4])), b: b, scale: 1)
    }
  }
}
