import Diagnostics
import FineTuningNodes
import Foundation
import LanguageModels
import ModelFolders
import Pipeline
import Tensors
import Tokenization

/// What a chat is with.
enum ChatSource {
  /// A model on disk, its tokenizer beside it.
  case model(path: String)
  /// A PEFT folder and its base on disk.
  case adapter(AdapterFolder, base: String)
  /// What a run made, and the tokenizer of the same run.
  case artefact(model: ArtefactView, tokenizer: ArtefactView)

  /// Finds what a command names.
  ///
  /// - Parameters:
  ///   - name: A path, or `RUN:NODE`.
  ///   - base: The base of an adapter; the one that its configuration names unless given.
  static func find(_ name: String, base: String?, _ workplace: Workplace) throws -> ChatSource {
    if try pathKind(name + "/adapter_config.json") != nil {
      let adapter = try AdapterFolder(path: name)
      let path = base ?? adapter.baseModel ?? ""
      guard !path.isEmpty, try pathKind(path) != nil else {
        throw Diagnostic(
          code: "no-base", path.isEmpty ? "The adapter names no base model" : "There is no base model at `\(path)`",
          at: Place(file: name), advice: "name its folder or .gguf file with --base")
      }
      return .adapter(adapter, base: path)
    }
    if let base {
      throw Diagnostic(
        code: "not-an-adapter", "`--base \(base)` has no effect: `\(name)` is not an adapter's folder",
        advice: "leave --base out, or name a folder with adapter_config.json")
    }
    if try pathKind(name) != nil { return .model(path: name) }
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      throw Diagnostic(
        code: "file", "There is nothing at `\(name)`",
        advice: "name a model folder, a .gguf file, an adapter's folder, or RUN:NODE such as last:sft")
    }
    return try made(run: parts[0], node: parts[1], workplace)
  }

  private static func made(run: String, node: String, _ workplace: Workplace) throws -> ChatSource {
    let record = try workplace.history.run(run)
    let makers = record.nodes.filter { node in node.outputs.contains { $0.type == ArtefactName.model } }
    guard let maker = makers.first(where: { $0.name == node }) else {
      let names = makers.map(\.name)
      throw Diagnostic(
        code: "no-model", "Node `\(node)` of run \(record.id) made no model",
        reason: "models were made by [\(names.map { "`\($0)`" }.joined(separator: ", "))]",
        advice: nearestName(to: node, among: names).map { "`\($0)`" })
    }
    let store = workplace.openedStore
    let models = try outputs(of: maker, ofType: ArtefactName.model, in: store)
    guard let model = models.first else { throw gone(maker.name, record.id) }
    let loaders = record.nodes.filter { node in node.outputs.contains { $0.type == ArtefactName.tokenizer } }
    let tokenizers = try loaders.flatMap { try outputs(of: $0, ofType: ArtefactName.tokenizer, in: store) }
    let own = model.type[FacetName.tokenizer]
    guard let tokenizer = tokenizers.first(where: { own == nil || $0.type[FacetName.tokenizer] == own }) else {
      throw Diagnostic(
        code: "no-tokenizer", "Run \(record.id) has no tokenizer for the model of `\(node)`",
        advice: loaders.isEmpty ? "add a node of type `load_tokenizer` to the pipeline" : "run the pipeline again")
    }
    return .artefact(model: model, tokenizer: tokenizer)
  }

  private static func outputs(of node: RunRecord.Node, ofType type: String, in store: Store) throws -> [ArtefactView] {
    guard let key = node.key, case .found(let result) = try store.result(for: key) else { return [] }
    return result.outputs.sorted { $0.key < $1.key }.map(\.value).filter { $0.type.name == type }
      .map { ArtefactView($0, in: store) }
  }

  private static func gone(_ node: String, _ run: String) -> Diagnostic {
    Diagnostic(
      code: "no-model", "The model of `\(node)` in run \(run) is no longer in the store",
      advice: "run the pipeline again")
  }

  func tokenizer() throws -> Tokenizer {
    switch self {
    case .model(let path): try Tokenizer.load(path: path)
    case .adapter(let adapter, let base):
      // PEFT folders carry the tokenizer they were trained with.
      try pathKind(adapter.path + "/tokenizer.json") != nil
        ? Tokenizer.load(path: adapter.path) : Tokenizer.load(path: base)
    case .artefact(_, let tokenizer): try Self.linked(tokenizer) { try Tokenizer.load(folder: $0) }
    }
  }

  /// How the conversations were laid out that the model learned from; nil where that is not known.
  ///
  /// A folder that was exported says it in its own files.
  var format: ConversationFormat? {
    if case .artefact(let model, _) = self { ConversationFormat(model.details) } else { nil }
  }

  /// The model in memory.
  func model(threads: Int) throws -> LanguageModel {
    switch self {
    case .model(let path): return try ModelFolder.open(path).languageModel(compute: Compute(threads: threads))
    case .adapter(let adapter, let base):
      return try ModelFolder.open(base).languageModel(compute: Compute(threads: threads), beside: adapter)
    case .artefact(let view, _):
      return try Self.linked(view) { try ModelArtefact(view, folder: $0, threads: threads).model() }
    }
  }

  /// Reads an artefact through a temporary folder in which its members stand under their own names.
  private static func linked<Value>(_ view: ArtefactView, _ read: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.path + "/anneal-chat-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try view.linkMembers(into: folder)
    return try read(folder)
  }
}
