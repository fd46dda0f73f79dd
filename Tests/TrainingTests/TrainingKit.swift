import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import TokenShards
import Training

/// The rows of `Tests/Fixtures/Training/rows.json`, one sequence each.
func fixtureRows() throws -> [TokenRow] { try tokenRows(readJSON(fixture("Training/rows.json"))) }

func tokenRows(_ json: JSON?) throws -> [TokenRow] {
  try labelledSequences(json).map { TokenRow([TokenSequence(ids: $0.ids, lossMask: $0.lossMask)]) }
}

/// The settings that a reference file of `scripts/reference/training.py` was made with.
func settings(of reference: JSON, batchSize: Int = 4, tokenBudget: Int = 64) throws -> TrainingSettings {
  func number(_ key: String) throws -> Double {
    guard let value = reference[key]?.double else { throw FixtureError(text: "no `\(key)`") }
    return value
  }
  guard let betas = reference["betas"]?.array?.compactMap(\.double), betas.count == 2 else {
    throw FixtureError(text: "no `betas`")
  }
  return TrainingSettings(
    length: .steps(10), batchSize: batchSize, learningRate: try number("learning_rate"),
    schedule: LearningRateSchedule(.cosine, warmup: .steps(2)),
    optimizer: AdamWSettings(beta1: betas[0], beta2: betas[1], epsilon: try number("epsilon")),
    weightDecay: try number("weight_decay"), maxGradNorm: try number("max_grad_norm"), shuffle: false,
    tokenBudget: tokenBudget)
}

/// The objective of direct preference optimisation.
func sigmoidObjective(beta: Double = 0.1, labelSmoothing: Double = 0) -> PairObjective {
  PairObjective(
    PairLoss.withReference.filter { $0.name == "sigmoid" }.map { PairObjective.Term($0) }, beta: beta,
    labelSmoothing: labelSmoothing)
}

/// The objective that a reference file of `scripts/reference/dpo.py` was made with.
func dpoObjective(of reference: JSON) throws -> PairObjective {
  guard let beta = reference["beta"]?.double, let labelSmoothing = reference["label_smoothing"]?.double else {
    throw FixtureError(text: "no `beta` or `label_smoothing`")
  }
  return sigmoidObjective(beta: beta, labelSmoothing: labelSmoothing)
}

/// The tiny model with the adapter of a reference.
func adaptedModel(_ name: String, threads: Int = 1, dropout: Float = 0) throws -> LanguageModel {
  let model = try TinyLlama("gqa").model(threads: threads)
  let adapter =
    name == "rslora"
    ? AdapterConfiguration(rank: 3, alpha: 5, dropout: dropout, targets: ["q_proj", "v_proj"], usesRSLoRA: true)
    : AdapterConfiguration(rank: 4, dropout: dropout)
  try model.attach(adapter, from: StoredWeights(fixture("Training/\(name)/adapter_model.safetensors")))
  return model
}

/// Fresh adapters of every method, some with options of their own.
let methods: [(name: String, method: any AdapterMethod, base: BaseTraining)] =
  AdapterMethods.all.compactMap { type in
    var options = AdapterOptions()
    options.rank = 4
    options.blockSize = 8
    options.virtualTokens = 5
    return (try? type.init(options)).map { (type.name, $0, BaseTraining.none) }
  } + [
    ("dora", LoRA(rank: 3, dropout: 0.2, usesDoRA: true), .none), ("pissa", LoRA(rank: 3, start: .pissa), .none),
    ("dora olora", LoRA(rank: 3, usesDoRA: true, start: .olora), .none),
    ("whole modules", LoRA(rank: 3), BaseTraining(modules: ["embed_tokens", "norm", "lm_head"], biases: .all)),
    ("tokens", LoRA(rank: 3), BaseTraining(tokens: [3, 1, 7])),
  ]

/// The tiny model with a fresh adapter of ``methods``; nil for another name.
func methodModel(_ name: String, threads: Int = 1) throws -> LanguageModel? {
  guard let kind = methods.first(where: { $0.name == name }) else { return nil }
  let tiny = try TinyLlama("gqa")
  let adapter = AdapterConfiguration(AdapterSelection(.allLinear), kind.method, base: kind.base)
  let model = try LanguageModel(
    tiny.configuration, weights: tiny.weights, compute: Compute(threads: threads), beside: adapter)
  try model.attach(adapter, seed: 4)
  return model
}

/// The model that a reference starts from.
func referenceModel(_ name: String, threads: Int = 1) throws -> LanguageModel {
  name == "full"
    ? try TinyLlama("gqa").model(threads: threads, trains: { _ in true }) : try adaptedModel(name, threads: threads)
}

/// The trained values, by name.
func trainedValues(_ model: LanguageModel) -> [String: [Float]] {
  Dictionary(uniqueKeysWithValues: model.trainableParameters.map { ($0.name, $0.value.values) })
}

/// Records without what depends on the machine's speed.
func timeless(_ metrics: [JSON]) -> [JSON] {
  metrics.map { record in
    guard var object = record.object else { return record }
    object["tokens_per_second"] = nil
    return .object(object)
  }
}
