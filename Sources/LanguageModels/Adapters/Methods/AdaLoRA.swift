import PreciseJSON
import Tensors

/// W + alpha / R₀ · B diag(E) A, from which a training took ranks away where they mattered least (arXiv:2303.10512).
///
/// With a schedule a training takes ranks away (``RankBudget``); without one it goes on with those that it has.
package struct AdaLoRA: AdapterMethod {
  /// R₀, the rank that each map started with.
  package var initialRank: Int
  /// The mean rank that was wanted.
  package var targetRank: Int
  package var alpha: Float
  package var dropout: Float
  /// Which of the first triplets of a map are left, where some were taken away: by the module's name.
  package var kept: [String: [Bool]]
  /// How a training takes ranks away; nil once one has.
  package var schedule: RankBudget.Schedule?

  package init(
    initialRank: Int, targetRank: Int, alpha: Float, dropout: Float = 0, kept: [String: [Bool]] = [:],
    schedule: RankBudget.Schedule? = nil
  ) {
    self.schedule = schedule
    self.initialRank = initialRank
    self.targetRank = targetRank
    self.alpha = alpha
    self.dropout = dropout
    self.kept = kept
  }

  package static let name = "adalora"
  package static let summary = "triplets of singular values and vectors beside a frozen matrix, as many as matter"
  package static let options: Set<AdapterOptions.Name> = [.rank, .alpha, .dropout, .budget]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    let rank = options.rank ?? 12
    self.init(
      initialRank: rank, targetRank: options.targetRank ?? max(1, 2 * rank / 3),
      alpha: options.alpha ?? Float(2 * rank), dropout: options.dropout ?? 0,
      schedule: options.budget ?? RankBudget.Schedule())
  }

  package func validate() throws(AdapterError) {
    guard initialRank >= 1 else { throw .rank(initialRank) }
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
    guard alpha.isFinite else { throw .alpha(alpha) }
    // Of a folder, which has its ranks, the wanted one decides nothing.
    guard schedule == nil || targetRank <= initialRank else {
      throw .option("target_rank", wanted: "at most `rank`, \(initialRank)", found: "\(targetRank)")
    }
  }

  package func course(of maps: [(map: AdaptedMap, parameters: [Parameter])]) -> (any AdapterCourse)? {
    schedule.map { RankBudget($0, target: targetRank, maps) }
  }

  package func trained(_ maps: [AdaptedMap], _ values: (AdaptedMap) throws -> [Tensor]) rethrows -> AdaLoRA {
    guard schedule != nil else { return self }
    var trained = self
    trained.schedule = nil
    for map in maps { trained.kept[map.module] = try values(map)[2].values.map { $0 != 0 } }
    return trained
  }

  /// Without the triplets whose element of E is zero.
  package func trained(_ map: AdaptedMap, _ values: [Tensor]) -> [Tensor] {
    guard schedule != nil else { return values }
    let (a, b, e) = (values[0], values[1], values[2])
    let left = e.values.indices.filter { e.values[$0] != 0 }
    let (allA, allB) = (a.values, b.values)
    return [
      Tensor(shape: [left.count, map.inputs], values: left.flatMap { allA[$0 * map.inputs..<($0 + 1) * map.inputs] }),
      Tensor(
        shape: [map.outputs, left.count],
        values: (0..<map.outputs).flatMap { row in left.map { allB[row * e.rows + $0] } }),
      Tensor(shape: [left.count, 1], values: left.map { e.values[$0] }),
    ]
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

  /// Other programs take what has no training before it.
  package var portable: any AdapterMethod {
    var portable = self
    portable.schedule = nil
    return portable
  }
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
