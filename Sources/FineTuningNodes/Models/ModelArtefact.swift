import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import Tensors

/// A model artefact opened for computing: its base under `base/`, its adapter under `adapter/` when it has one.
package struct ModelArtefact {
  static let base = "base"
  static let adapter = "adapter"

  let view: ArtefactView
  private let folder: String
  private let threads: Int
  /// Asked before every tensor that is read.
  private let watch: @Sendable () throws -> Void

  /// Reading its weights ends, between two tensors, when the node is asked to stop.
  ///
  /// - Parameters:
  ///   - index: Which of a port that takes several.
  ///   - threads: Threads to compute with; the node's share unless given.
  init(_ context: NodeContext, port: String = "model", at index: Int = 0, threads: Int? = nil) throws {
    let all = context.inputs(port)
    view = all.indices.contains(index) ? all[index] : try context.input(port)
    folder = try context.linkedFolder(view, index == 0 ? port : "\(port)-\(index)")
    self.threads = threads ?? context.threads
    watch = { try context.checkCancellation() }
  }

  /// A model artefact outside of a run.
  ///
  /// - Parameter folder: The folder that ``Pipeline/ArtefactView/linkMembers(into:)`` made of it.
  package init(_ view: ArtefactView, folder: String, threads: Int) {
    self.view = view
    self.folder = folder
    self.threads = threads
    watch = {}
  }

  private var basePath: String { folder + "/" + Self.base }
  private var adapterPath: String { folder + "/" + Self.adapter }
  var hasAdapter: Bool { view.members.contains { $0.hasPrefix(Self.adapter + "/") } }

  /// Whether the base is the same as another's, file by file.
  func hasBase(of other: ModelArtefact) throws -> Bool {
    func files(_ view: ArtefactView) throws -> [String] {
      try view.members.filter { $0.hasPrefix(Self.base + "/") }.map { "\($0) \(try view.member($0).blob.digest.hex)" }
        .sorted()
    }
    return try files(view) == files(other.view)
  }

  /// What the base is stored as.
  func source() throws -> ModelFolder { try ModelFolder.open(basePath) }

  /// Weights that are read as long as nobody asks the node to stop.
  func watched(_ weights: any WeightSource) -> WatchedWeights { WatchedWeights(weights, watch: watch) }

  /// A model in memory, read as long as nobody asks the node to stop.
  ///
  /// - Parameters:
  ///   - plan: In which form the frozen weights are held.
  ///   - longest: The longest sequence that it will see; where it is nil, any that the model was made for.
  ///   - adapter: What will be attached: its tensors of the base are read in place of the base's.
  func languageModel(
    _ source: ModelFolder, compute: Compute, plan: PrecisionPlan = PrecisionPlan(), longest: Int? = nil,
    beside adapter: AdapterFolder? = nil, trains: @escaping (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    let weights = adapter?.weights(beside: source.weights, of: source.configuration) ?? source.weights
    return try LanguageModel(
      source.configuration, weights: watched(weights), compute: compute, plan: plan,
      longestSequence: longest ?? 1 << 17, beside: adapter?.configuration, trains: trains)
  }

  /// The adapter's files.
  func adapter() throws -> AdapterFolder { try AdapterFolder(path: adapterPath) }

  /// The ids at which generation ends, as an exported folder or the base itself says.
  func stops(written folder: String) throws -> [Int] {
    for file in ["generation_config.json", "config.json"] {
      for place in [folder, basePath] {
        let path = place + "/" + file
        guard try pathKind(path) != nil else { continue }
        let stops = ChatSettings.stops(try JSON(parsing: textOf(path), file: path))
        if !stops.isEmpty { return stops }
      }
    }
    return []
  }

  /// The model in memory, with its adapter attached.
  ///
  /// What is trainable is the adapter when there is one.
  ///
  /// - Parameters:
  ///   - trains: Which weights of a model without adapter are prepared for training, by Hugging Face's names; nil where
  ///     neither they nor an adapter are going to be trained.
  ///   - longest: The longest sequence that the model will see, where that is known.
  package func model(trains: ((String) -> Bool)? = nil, longest: Int? = nil) throws -> LanguageModel {
    let compute = try Compute(threads: threads, computeClass: computeClass, packsSingleRows: trains != nil)
    let adapter = hasAdapter ? try adapter() : nil
    let model = try languageModel(
      source(), compute: compute, plan: heldWeights.plan, longest: longest, beside: adapter
    ) { name in
      adapter == nil && trains?(name) == true
    }
    try adapter?.attach(to: model)
    return model
  }

  /// The rows that a training left with the model.
  func probe() throws -> Probe? {
    guard view.contains(Probe.member) else { return nil }
    let path = try view.path(of: Probe.member)
    return Probe(json: try JSON(parsing: textOf(path), file: path))
  }

  /// What the parameters of ``model(trains:longest:)`` start from: the adapter when there is one, the base otherwise.
  func start() throws -> any WeightSource { try hasAdapter ? adapter() : source().weights }

  /// The arithmetic that `load_model` settled on.
  var computeClass: ComputeClass {
    view.details["compute"]?.string.flatMap(ComputeClass.init(name:)) ?? .f32
  }

  /// The form in which `load_model` said that frozen weights are held.
  var heldWeights: LoadModel.Weights {
    view.details[LoadModel.Weights.detail]?.string.flatMap(LoadModel.Weights.init(rawValue:)) ?? .auto
  }

  /// Writes a model's adapter as the adapter of an artefact.
  static func writeAdapter(of model: LanguageModel, in output: ArtefactBuilder) throws {
    let writer = AdapterWriter(baseModel: base, tokenizer: nil, card: nil)
    try writer.write(model, to: output.folder + "/" + adapter)
  }

  /// Writes weights as the base of an artefact: a folder as Hugging Face has it, without a tokenizer.
  ///
  /// - Parameters:
  ///   - source: The model whose shape they have.
  ///   - type: The stored type; nil keeps each tensor's own.
  static func writeBase(
    _ weights: any WeightSource, like source: ModelFolder, as type: ElementType?, in output: ArtefactBuilder
  ) throws {
    try baseWriter(like: source, as: type).write(weights, to: basePath(in: output))
  }

  /// What writes the base of an artefact.
  static func baseWriter(like source: ModelFolder, as type: ElementType?) -> HuggingFaceWriter {
    HuggingFaceWriter(base: source, tokenizer: nil, card: nil, elementType: type)
  }

  /// Where the base of an artefact is written.
  static func basePath(in output: ArtefactBuilder) -> String { output.folder + "/" + base }

  /// Takes the members of a part over into another artefact.
  static func include(_ part: String, of view: ArtefactView, in output: ArtefactBuilder) throws {
    for member in view.members where member.hasPrefix(part + "/") { try output.include(member, from: view) }
  }
}

/// A model artefact that is none.
enum ModelArtefactError: Error, Sendable {
  case noBase
}

extension ModelArtefactError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .noBase: [Diagnostic(code: "model-artefact", "The node made a model without its base's files")]
    }
  }
}
