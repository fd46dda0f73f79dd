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

  /// - Parameter threads: Threads to compute with; the node's share unless given.
  init(_ context: NodeContext, port: String = "model", threads: Int? = nil) throws {
    view = try context.input(port)
    folder = try context.linkedFolder(port)
    self.threads = threads ?? context.threads
  }

  /// A model artefact outside of a run.
  ///
  /// - Parameter folder: The folder that ``Pipeline/ArtefactView/linkMembers(into:)`` made of it.
  package init(_ view: ArtefactView, folder: String, threads: Int) {
    self.view = view
    self.folder = folder
    self.threads = threads
  }

  private var basePath: String { folder + "/" + Self.base }
  private var adapterPath: String { folder + "/" + Self.adapter }
  var hasAdapter: Bool { view.members.contains { $0.hasPrefix(Self.adapter + "/") } }

  /// What the base is stored as.
  func source() throws -> ModelFolder { try ModelFolder.open(basePath) }

  /// The adapter's files.
  func adapter() throws -> AdapterFolder { try AdapterFolder(path: adapterPath) }

  /// The model in memory, with its adapter attached.
  ///
  /// What is trainable is the adapter when there is one.
  ///
  /// - Parameter trainsAll: Whether the weights of a model without adapter are prepared for training.
  package func model(trainsAll: Bool = false) throws -> LanguageModel {
    let compute = try Compute(threads: threads, computeClass: computeClass)
    let hasAdapter = hasAdapter
    let model = try source().languageModel(compute: compute) { _ in trainsAll && !hasAdapter }
    if hasAdapter { try adapter().attach(to: model) }
    return model
  }

  /// The arithmetic that `load_model` settled on.
  var computeClass: ComputeClass {
    view.details["compute"]?.string.flatMap(ComputeClass.init(name:)) ?? .f32
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
    let writer = HuggingFaceWriter(base: source, tokenizer: nil, card: nil, elementType: type)
    try writer.write(weights, to: output.folder + "/" + base)
  }

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
