import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors

/// Makes one adapter of several that stand beside the same base.
package enum MergeAdapters: NodeType {
  package enum Method: String, FieldChoice {
    case linear
    case ties
    case dare
    case dareTies = "dare_ties"
    case magnitude
  }

  package struct Fields: FieldSet {
    var method = Method.linear
    var weights: [Double] = []
    var density = 0.5
    var rank: Int?
    var seed = 42

    package init() {}

    private static let whenPruned = FieldCondition.when(
      "method", AdapterCombination.Kind.allCases.filter(\.prunes).map(\.rawValue))

    package static let fields: [Field<Self>] = [
      Field(
        "method", \.method,
        doc:
          "`linear` adds the updates B·A; `ties` takes the largest elements of each and, where signs differ, those of the "
          + "sign that wins (arXiv:2306.01708); `dare` leaves elements out at random and lets the others grow "
          + "(arXiv:2311.03099); `dare_ties` does both; `magnitude` takes the largest elements and adds"),
      Field(
        "weights", \.weights,
        doc: "What each adapter's update is multiplied by, in the order of `models`; negative ones take away. The same "
          + "share for each unless given, and all of each for `ties` and `dare_ties`, which take means"),
      Field(
        "density", \.density, in: .above(0, atMost: 1), for: whenPruned, doc: "The share of the elements that stay"),
      Field(
        "rank", \.rank, in: 1...4096,
        doc: "The rank of the result, by its largest singular values; unless given the sum of the ranks for `linear`, "
          + "which is exact, and the largest one for the others"),
      Field(
        "seed", \.seed, in: 0..., for: .when("method", ["dare", "dare_ties"]),
        doc: "Decides which elements are left out"),
    ]
  }

  package static let name = "merge_adapters"
  package static let summary = "Makes one adapter of several beside the same base, with weights"
  package static let implementationVersion = 1
  package static let inputs = [
    InputPort("models", [ArtefactName.model], list: true, doc: "Models with adapters of low rank beside the same base")
  ]
  package static let outputs = [OutputPort("model", ArtefactName.model, doc: "The base with the one adapter")]
  package static let execution = Execution.worker(cores: .all)

  package static func infer(_ fields: Fields, _ inputs: InputTypes) -> Inference {
    let models = inputs.ports["models"] ?? []
    var conflicts: [Inference.Conflict] = []
    if models.contains(where: { $0.type[FacetName.form] != nil && $0.type[FacetName.form] != "adapter" }) {
      conflicts.append(
        .init(port: "models", "A model has no adapter", advice: "leave it out, or attach an adapter to it"))
    }
    if !fields.weights.isEmpty, fields.weights.count != models.count {
      conflicts.append(
        .init(
          port: "weights", "`weights` has \(fields.weights.count) of them for \(models.count) adapters",
          advice: "give one for each, or none"))
    }
    if !fields.weights.isEmpty, fields.weights.allSatisfy({ $0 == 0 }) {
      conflicts.append(
        .init(port: "weights", "Nothing is merged: every weight is 0", advice: "give one of them another weight"))
    }
    return Inference(outputs: ["model": type(models.first?.type)], conflicts: conflicts)
  }

  /// A head scores the hidden states of one adapter, not those of a mixture.
  private static func type(_ model: ArtefactType?) -> ArtefactType {
    var type = model ?? ArtefactType(ArtefactName.model)
    type.facets[FacetName.head] = nil
    return type
  }

  package static func run(_ fields: Fields, in context: NodeContext) throws {
    let artefacts = try context.inputs("models").indices.map { try ModelArtefact(context, port: "models", at: $0) }
    guard let first = artefacts.first else { throw MergeAdaptersError.none }
    for (index, other) in artefacts.enumerated() where try !other.hasBase(of: first) {
      throw MergeAdaptersError.otherBase(index + 1)
    }
    let source = try first.source()
    let configuration = source.configuration
    let adapters = try artefacts.map { try LowRankParts($0.adapter(), of: configuration) }
    let votes = fields.method == .ties || fields.method == .dareTies
    let weights =
      fields.weights.isEmpty
      ? adapters.map { _ in votes ? 1 : 1 / Double(adapters.count) } : fields.weights
    let kind = AdapterCombination.Kind(rawValue: fields.method.rawValue) ?? .linear
    let combination = AdapterCombination(
      kind, density: fields.density, rank: fields.rank, seed: UInt64(fields.seed))
    let rank = combination.rank(of: adapters.map(\.rank))
    let modules = Set(adapters.flatMap { $0.maps.map(\.module) })
    let adapter = AdapterConfiguration(
      AdapterSelection(.list(configuration.names(of: modules))), LoRA(rank: rank, alpha: Float(rank)))
    let compute = try Compute(threads: context.threads)
    let output = try context.output("model")
    try ModelArtefact.include(ModelArtefact.base, of: first.view, in: output)
    try AdapterWriter(baseModel: ModelArtefact.base, tokenizer: nil, card: nil, watch: context.checkCancellation).write(
      adapter, of: configuration, to: output.folder + "/" + ModelArtefact.adapter
    ) { map in
      let parts = try zip(adapters, weights).compactMap { try $0.part(of: map, weight: $1) }
      let pair = combination.combined(parts, rank: rank, name: map.module, compute: compute)
      return [pair.a, pair.b]
    }
    output.set(type: type(first.view.type))
    output.details = first.view.details
    output.details["trainable_parameters"] = JSON(configuration.trainedCount(adapter))
    context.log("\(adapters.count) adapters of ranks \(adapters.map(\.rank)) became one of rank \(rank)")
  }
}

/// An adapter as A and B of each map.
private struct LowRankParts {
  let folder: AdapterFolder
  let maps: [AdaptedMap]
  /// The largest one.
  let rank: Int
  private let lora: LoRA
  private let wide: LoRA

  init(_ folder: AdapterFolder, of model: ModelConfiguration) throws {
    try folder.check(against: model)
    guard let lora = folder.configuration.method as? LoRA, !lora.usesDoRA, let wide = lora.portable as? LoRA,
      folder.configuration.base == BaseTraining.none
    else { throw MergeAdaptersError.notLowRank(folder.path) }
    self.folder = folder
    self.lora = lora
    self.wide = wide
    maps = model.adaptedMaps(folder.configuration)
    rank = maps.map(wide.rank).max() ?? 0
  }

  func part(of map: AdaptedMap, weight: Double) throws -> AdapterCombination.Part? {
    guard maps.contains(map) else { return nil }
    let values = lora.portable(
      try folder.configuration.tensors(map).map { try folder.tensor(named: $0.name, shape: $0.shape) })
    return AdapterCombination.Part(weight: weight, a: values[0], b: values[1], scale: wide.scale(of: map))
  }
}

extension ModelConfiguration {
  /// The shortest names that mean these maps and no others: what a block calls them, or whole names.
  fileprivate func names(of modules: Set<String>) -> Set<String> {
    let short = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) })
    let meant = adaptedMaps(AdapterConfiguration(AdapterSelection(.list(short)), LoRA(rank: 1))).map(\.module)
    return Set(meant) == modules ? short : modules
  }
}

/// Adapters that cannot become one.
enum MergeAdaptersError: Error, Sendable {
  case none
  /// The adapter with this number stands beside another base than the first one.
  case otherBase(Int)
  case notLowRank(String)
}

extension MergeAdaptersError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .none: [Diagnostic(code: "merge-adapters", "There is no adapter to merge")]
    case .otherBase(let number):
      [
        Diagnostic(
          code: "merge-adapters", "Adapter \(number) stands beside another base than the first one",
          reason: "an update of other weights means nothing to these", advice: "merge adapters of one base")
      ]
    case .notLowRank(let path):
      [
        Diagnostic(
          code: "merge-adapters", "The adapter is not the sum of a weight and a product of thin matrices",
          at: Place(file: path), reason: "DoRA, other methods and weights trained beside an adapter do not add up",
          advice: "merge each adapter into the base instead")
      ]
    }
  }
}
