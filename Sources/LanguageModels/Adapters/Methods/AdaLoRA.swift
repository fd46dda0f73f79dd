import PreciseJSON
import Tensors

/// W + alpha / R₀ · B diag(E) A, from which a training took ranks away where they mattered least (arXiv:2303.10512).
///
/// It goes on with the ranks that it has.
package struct AdaLoRA: AdapterMethod {
  /// R₀, the rank that each map started with.
  package var initialRank: Int
  /// The mean rank that was wanted.
  package var targetRank: Int
  package var alpha: Float
  package var dropout: Float
  /// Which of the first triplets of a map are left, where some were taken away: by the module's name.
  package var kept: [String: [Bool]]

  package init(
    initialRank: Int, targetRank: Int, alpha: Float, dropout: Float = 0, kept: [String: [Bool]] = [:]
  ) {
    self.initialRank = initialRank
    self.targetRank = targetRank
    self.alpha = alpha
    self.dropout = dropout
    self.kept = kept
  }

  package static let name = "adalora"
  package static let summary = "triplets of singular values and vectors beside a frozen matrix, as many as matter"
  package static let options: Set<AdapterOptions.Name> = [.rank, .alpha, .dropout]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    let rank = options.rank ?? 8
    self.init(
      initialRank: rank, targetRank: rank, alpha: options.alpha ?? Float(2 * rank), dropout: options.dropout ?? 0)
  }

  package func validate() throws(AdapterError) {
    guard initialRank >= 1 else { throw .rank(initialRank) }
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
    guard alpha.isFinite else { throw .alpha(alpha) }
  }

  private func rank(of map: AdaptedMap) -> Int { kept[map.module].map { $0.count { $0 } } ?? initialRank }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let rank = rank(of: map)
    return [
      AdapterTensor("lora_A", [rank, map.inputs]), AdapterTensor("lora_B", [map.outputs, rank]),
      AdapterTensor("lora_E", [rank, 1]),
    ]
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    let tensors = tensors(of: map)
    return [
      .normal(tensors[0].shape, deviation: 0.02, random(0)), .normal(tensors[1].shape, deviation: 0.02, random(1)),
      Tensor(shape: tensors[2].shape),
    ]
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    // As PEFT divides, so that a rank of 0 could not.
    AdaLoRAMap(
      parameters: parameters, scale: Float(Double(alpha) / (Double(initialRank) + 1e-5)), dropout: dropout,
      stream: stableHash(parameters[0].name))
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (a, b, e) = (values[0], values[1], values[2])
    let scaled = a.copy()
    onElements {
      for r in 0..<a.rows { for column in 0..<a.columns { scaled.pointer[r * a.columns + column] *= e.pointer[r] } }
    }
    return AdapterUpdate(
      module: map.module, size: LowRankSum([scaled], [b], [1]).length * abs(Double(alpha)) / Double(initialRank),
      isDead: a.rows == 0)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    (shapes["lora_A"]?.last ?? 0, shapes["lora_B"]?.first ?? 0)
  }

  package static let movesLate = [".lora_A", ".lora_B"]
  package var facts: [(key: String, value: JSON)] {
    [
      ("initial_rank", JSON(initialRank)), ("target_rank", JSON(targetRank)), ("alpha", JSON(Double(alpha))),
      ("dropout", JSON(Double(dropout))),
    ]
  }
}

private struct AdaLoRAMap: MapAdapter {
  /// A [R, in], B [out, R] and E [R, 1].
  let parameters: [Parameter]
  let scale: Float
  let dropout: Float
  let stream: UInt64

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let y = tape.project(x, [base])[0]
    guard parameters[0].value.rows > 0 else { return y }
    let hidden = tape.product(
      tape.dropout(x, probability: dropout, stream: stream), tape.variable(of: parameters[0]))
    let update = tape.product(
      tape.scaleColumns(hidden, by: tape.variable(of: parameters[2])), tape.variable(of: parameters[1]))
    return tape.add(y, tape.scale(update, by: scale))
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = weight.copy()
    let (a, b, e) = (parameters[0].value, parameters[1].value, parameters[2].value)
    pool.tiles(weight.rows) { row in
      let target = result.pointer + row * weight.columns
      for r in 0..<a.rows {
        let factor = scale * b.pointer[row * a.rows + r] * e.pointer[r]
        for column in 0..<weight.columns { target[column] += factor * a.pointer[r * a.columns + column] }
      }
    }
    return result
  }
}
