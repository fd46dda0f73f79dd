import Tensors

/// Reproducible normal numbers.
func randomTensor(_ shape: [Int], seed: UInt64, scale: Float = 1) -> Tensor {
  var random = CounterRandom(seed: seed)
  let count = shape.reduce(1, *)
  return Tensor(shape: shape, values: (0..<count).map { _ in random.normal() * scale })
}

func randomParameter(_ name: String, _ shape: [Int], seed: UInt64, scale: Float = 1) -> Parameter {
  Parameter(name: name, value: randomTensor(shape, seed: seed, scale: scale), isTrainable: true)
}

/// One compute for each class of kernels that this machine runs.
func allComputes(threads: Int = 2) -> [Compute] {
  let pool = ThreadPool(threads: threads)
  return KernelSet.available.map { Compute(pool: pool, kernels: $0) }
}

extension Tape {
  /// The rows of a parameter as a variable that gradients flow back from.
  func input(_ parameter: Parameter) throws -> Variable {
    try embed((0..<Int32(parameter.value.rows)).map { $0 }, table: parameter)
  }
}

/// The loss and all gradients of a step over projections with adapters, an activation and a head, with 203 rows: a
/// multiple of nothing.
func adaptedStep(_ compute: Compute, vocabulary: Int, headScale: Float) throws -> [[Float]] {
  let x = randomParameter("x", [203, 96], seed: 1)
  var adapters: [Parameter] = []
  func projection(_ outputs: Int, _ seed: UInt64) throws -> Projection {
    let a = randomParameter("a\(seed)", [8, 96], seed: seed, scale: 0.1)
    let b = randomParameter("b\(seed)", [outputs, 8], seed: seed + 1, scale: 0.1)
    adapters += [a, b]
    return try Projection(
      weight: try MatrixWeight(frozen: randomTensor([outputs, 96], seed: seed + 2, scale: 0.1), compute: compute),
      adapter: try LowRankAdapter(a: a, b: b, scale: 2, dropout: 0.1, dropoutStream: seed))
  }
  let tape = Tape(compute: compute, records: true, step: RandomKey(seed: 3))
  let parts = tape.project(try tape.input(x), [try projection(96, 10), try projection(96, 20)])
  let y = tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
  let head = try MatrixWeight(frozen: randomTensor([vocabulary, 96], seed: 5, scale: headScale), compute: compute)
  let result = try tape.crossEntropy(
    y, head: OutputHead(head), targets: (0..<203).map { $0 * Int32(vocabulary / 203) },
    weights: [Float](repeating: 1, count: 203))
  tape.backward(from: result.loss)
  return [result.loss.value.values, x.gradient?.values ?? []] + adapters.map { $0.gradient?.values ?? [] }
}

/// The largest |a − b| / (1 + |b|), infinite when the counts differ or something is not a number.
func distance(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
  if a.count != b.count { return .infinity }
  var largest = 0.0
  for (x, y) in zip(a, b) {
    if x == y { continue }
    let d = abs(Double(x) - Double(y)) / (1 + abs(Double(y)))
    if d.isNaN { return .infinity }
    largest = max(largest, d)
  }
  return largest
}

/// |a − b| / |b| as vectors.
func relativeDistance(_ a: [Float], _ b: [Float]) -> Double {
  func square(_ x: Float) -> Double { Double(x) * Double(x) }
  let difference = zip(a, b).reduce(0.0) { $0 + square($1.0 - $1.1) }
  return (difference / b.reduce(0.0) { $0 + square($1) }).squareRoot()
}

extension Tensor {
  var bits: [UInt32] { buffer.map(\.bitPattern) }
}

extension Tape {
  /// The root mean square norm of rows.
  func rmsNorm(_ x: Variable, weight: Parameter, epsilon: Float) -> Variable {
    norm(x, NormFunction(.rootMeanSquare, epsilon: epsilon), NormWeights(weight: weight))
  }

  /// The same of a sum.
  func addRMSNorm(
    _ residual: Variable, _ x: Variable, weight: Parameter, epsilon: Float
  ) -> (sum: Variable, normed: Variable) {
    addNorm(residual, x, NormFunction(.rootMeanSquare, epsilon: epsilon), NormWeights(weight: weight))
  }

  /// Attention whose queries, keys and values have arrays of their own.
  func attention(
    q: Variable, k: Variable, v: Variable, _ shape: AttentionShape, in context: AttentionContext, layer: Int = 0
  ) throws -> Variable {
    try attention(AttentionInput(q: q, k: k, v: v, shape), shape, in: context, layer: layer)
  }
}

extension RotaryTable {
  /// Positions that turn whole heads.
  init(headDimension: Int, maximumPosition: Int, base: Double) {
    self.init(
      frequencies: RotaryTable.frequencies(dimension: headDimension, base: base), maximumPosition: maximumPosition)
  }
}
