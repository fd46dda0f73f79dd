import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors

/// Makes one model of the weights of several.
package enum MergeModels: NodeType {
  package enum Method: String, FieldChoice {
    case linear
    case slerp
    case taskArithmetic = "task_arithmetic"
    case ties
    case dareLinear = "dare_linear"
    case dareTies = "dare_ties"

    fileprivate var kind: ModelCombination.Kind { ModelCombination.Kind(rawValue: rawValue) ?? .linear }

    fileprivate static func named(_ isWanted: (ModelCombination.Kind) -> Bool) -> [String] {
      allCases.filter { isWanted($0.kind) }.map(\.rawValue)
    }
  }

  package struct Fields: FieldSet {
    var method = Method.linear
    var weights: [Double] = []
    var normalize: Bool?
    var density = 0.5
    var way = 0.5
    var seed = 42
    var dtype = Merge.Precision.auto

    package init() {}

    fileprivate static let whenAdded = FieldCondition.when("method", Method.named { $0 != .slerp })
    fileprivate static let whenBased = FieldCondition.when("method", Method.named(\.wantsBase))

    package static let fields: [Field<Self>] = [
      Field(
        "method", \.method,
        doc:
          "As mergekit: `linear` adds the weights (arXiv:2203.05482); `slerp` goes from the first model to the second along "
          + "the arc between each two tensors; beside a `base`, `task_arithmetic` adds what the models differ from it "
          + "(arXiv:2212.04089), `ties` takes the largest differences of each and those of the sign that wins "
          + "(arXiv:2306.01708), `dare_linear` leaves differences out at random and lets the others grow "
          + "(arXiv:2311.03099), `dare_ties` does both"),
      Field(
        "weights", \.weights, for: whenAdded,
        doc: "What each model counts, in the order of `models`; negative ones take away. 1 each unless given"),
      Field(
        "normalize", \.normalize, for: whenAdded,
        doc: "Whether sums are divided by the weights that went into them; unless given with `linear` and `ties` alone"),
      Field(
        "density", \.density, in: .above(0, atMost: 1), for: .when("method", Method.named(\.prunes)),
        doc: "The share of the elements of each difference that stay"),
      Field(
        "t", \.way, in: 0.0...1, for: .when("method", Method.named { $0 == .slerp }),
        doc: "How far the result is on the way from the first model to the second"),
      Field(
        "seed", \.seed, in: 0..., for: .when("method", ["dare_linear", "dare_ties"]),
        doc: "Decides which elements are left out"),
      Field(
        "dtype", \.dtype,
        doc: "The type of the stored weights; `auto` takes that of the first model, bf16 for quantised ones"),
    ]
  }

  package static let name = "merge_models"
  package static let summary = "Makes one model of the weights of several of one shape"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort(
      "models", [ArtefactName.model], list: true, doc: "Models without adapters, of one shape and one tokenizer"),
    InputPort(
      "base", [ArtefactName.model], for: Fields.whenBased,
      doc: "What they were trained from: their differences from it count"),
  ]
  package static let outputs = [
    OutputPort("model", ArtefactName.model, doc: "The one model"),
    OutputPort(
      "metrics", ArtefactName.metrics, doc: "`sanity.json`: what the program checked about the merged model"),
  ]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let models = inputs.ports["models"] ?? []
    var conflicts: [Inference.Conflict] = []
    if fields.method == .slerp, models.count != 2 {
      conflicts.append(
        .init(
          port: "models", "`slerp` goes from one model to another, and there are \(models.count)",
          advice: "connect two, or merge in several nodes"))
    } else if models.count < (fields.method.kind.wantsBase ? 1 : 2) {
      conflicts.append(.init(port: "models", "There is nothing to merge", advice: "connect two models or more"))
    }
    if !fields.weights.isEmpty, fields.weights.count != models.count {
      conflicts.append(
        .init(
          port: "weights", "`weights` has \(fields.weights.count) of them for \(models.count) models",
          advice: "give one for each, or none"))
    }
    if !fields.weights.isEmpty, fields.weights.allSatisfy({ $0 == 0 }) {
      conflicts.append(
        .init(port: "weights", "Nothing is merged: every weight is 0", advice: "give one of them another weight"))
    }
    conflicts += misfits(models.map { ("models", $0) } + (inputs["base"].map { [("base", $0)] } ?? []))
    return Inference(
      outputs: [
        "model": type(models.map(\.type)), "metrics": ArtefactType(ArtefactName.metrics),
      ], conflicts: conflicts)
  }

  /// What keeps models from being one: adapters, and what they differ in from the first one.
  private static func misfits(_ models: [(port: String, input: InputTypes.Source)]) -> [Inference.Conflict] {
    var conflicts: [Inference.Conflict] = []
    for (port, input) in models where input.type[FacetName.form] == "adapter" {
      conflicts.append(
        .init(
          port: port, "`\(input.node)` has an adapter", reason: "its weights alone are not the model",
          advice: "put a node of type `merge` between"))
    }
    guard let (_, first) = models.first else { return conflicts }
    let facets = [
      (FacetName.architecture, "architecture"), (FacetName.vocabulary, "number of tokens"),
      (FacetName.tokenizer, "tokenizer"),
    ]
    for (port, other) in models.dropFirst() {
      for (facet, words) in facets {
        guard let own = first.type[facet], let theirs = other.type[facet], own != theirs else { continue }
        conflicts.append(
          .init(
            port: port, "`\(other.node)` has another \(words) than `\(first.node)`",
            reason: "\(theirs) and \(own)", advice: "merge models that descend from one"))
        break
      }
      if let own = configuration(first), let theirs = configuration(other), own.family.name == theirs.family.name,
        let difference = own.difference(from: theirs)
      {
        conflicts.append(
          .init(
            port: port, "`\(other.node)` has another shape than `\(first.node)`", reason: difference,
            advice: "merge models that descend from one"))
      }
    }
    return conflicts
  }

  private static func configuration(_ input: InputTypes.Source) -> ModelConfiguration? {
    input.seen[LoadModel.configurationSight]?.text.flatMap { try? JSON(parsing: $0, file: "") }.flatMap {
      try? ModelConfiguration(huggingFace: $0)
    }
  }

  /// A head scores the hidden states of one model, and a template that not all were trained with is none of the result's.
  private static func type(_ models: [ArtefactType]) -> ArtefactType {
    var type = models.first ?? ArtefactType(ArtefactName.model)
    for facet in [FacetName.head, FacetName.weights] { type.facets[facet] = nil }
    for facet in [FacetName.template, FacetName.templateNames]
    where models.contains(where: { $0[facet] != type[facet] }) {
      type.facets[facet] = nil
    }
    type.facets[FacetName.form] = "all"
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefacts = try context.inputs("models").indices.map { try ModelArtefact(context, port: "models", at: $0) }
    let base = try context.inputs("base").isEmpty ? nil : ModelArtefact(context, port: "base")
    let sources = try artefacts.map { try $0.source() }
    guard let first = sources.first, let own = artefacts.first else { throw MergeModelsError.none }
    let baseSource = try base?.source()
    for (index, other) in (sources + [baseSource].compactMap { $0 }).enumerated() {
      guard let difference = first.configuration.difference(from: other.configuration) else { continue }
      throw MergeModelsError.otherShape(index < sources.count ? "model \(index + 1)" : "the base", difference)
    }
    let combination = ModelCombination(
      fields.method.kind, weights: fields.weights.isEmpty ? sources.map { _ in 1 } : fields.weights,
      isNormalized: fields.normalize, density: fields.density, way: fields.way, seed: UInt64(fields.seed))
    let output = try context.output("model")
    let writer = ModelArtefact.baseWriter(like: first, as: fields.dtype.elementType)
    var sanity = SanityReport(context)
    try sanity.add(DiskSpace(needed: writer.tensorBytes, context))
    let names = first.configuration.tensors.map(\.name)
    let weights = CombinedWeights(
      combination, of: zip(artefacts, sources).map { $0.watched($1.weights) },
      base: zip(base, baseSource).map { $0.watched($1.weights) }, pool: ThreadPool(threads: context.threads),
      origin: "the merged model")
    var read = 0
    let told = ToldWeights(weights) {
      read += 1
      // Each is made again to be held against what was written.
      context.progress(ProgressUpdate(step: min(read, 2 * names.count), total: 2 * names.count, unit: "tensors"))
    }
    try writer.write(told, to: ModelArtefact.basePath(in: output))
    let merged = try ModelFolder.open(ModelArtefact.basePath(in: output))
    try sanity.add(
      FiniteTensors(merged.configuration.tensors.map { ($0.name, $0.shape) }, in: own.watched(merged.weights)))
    try sanity.publish(to: context.output("metrics"))
    output.details["compute"] = own.view.details["compute"]
    ConversationFormat.take(from: own.view.details, into: &output.details)
    output.set(type: type(artefacts.map(\.view.type)))
    context.log("\(artefacts.count) models became one by `\(fields.method.rawValue)`, \(names.count) tensors")
  }
}

/// Weights that tell when one is read.
private struct ToldWeights: WeightSource {
  private let weights: any WeightSource
  private let tell: () -> Void

  init(_ weights: any WeightSource, tell: @escaping () -> Void) {
    self.weights = weights
    self.tell = tell
  }

  var origin: String { weights.origin }
  func has(_ name: String) -> Bool { weights.has(name) }

  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    tell()
    return try weights.tensor(named: name, shape: shape)
  }
}

/// Two values where both are there.
private func zip<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
  guard let first, let second else { return nil }
  return (first, second)
}

/// Models that cannot become one.
enum MergeModelsError: Error, Sendable {
  case none
  /// Which of them has another shape than the first one, and where.
  case otherShape(String, String)
}

extension MergeModelsError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .none: [Diagnostic(code: "merge-models", "There is no model to merge")]
    case .otherShape(let which, let difference):
      [
        Diagnostic(
          code: "merge-models", "\(which.prefix(1).uppercased())\(which.dropFirst()) has another shape than model 1",
          reason: difference, advice: "merge models that descend from one")
      ]
    }
  }
}
