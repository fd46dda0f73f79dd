import ArgumentParser
import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import TokenShards

/// `anneal inspect`: what a file or folder holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Describes a model folder, an adapter, a GGUF or safetensors file, tokens, or a result in the store.")

  @Argument(
    help:
      "The file or folder, the key of a result as `anneal show` and `anneal cache ls` print it, or RUN:NODE such as last:sft."
  )
  var path: String

  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let facts = try described()
      if json {
        Terminal.put(JSON(facts).text(.pretty))
      } else {
        Terminal.put(table(Self.flattened(facts.filter { $0.key != "tensors" })))
        let tensors = facts.first { $0.key == "tensors" }?.value.array ?? []
        if !tensors.isEmpty {
          Terminal.put(
            table(tensors.map { [$0["name"]?.string ?? "", $0["type"]?.string ?? "", $0["shape"]?.text() ?? ""] }))
        }
      }
    }
  }

  /// Rows of a table; objects inside objects with dotted keys.
  private static func flattened(_ facts: [(key: String, value: JSON)], _ prefix: String = "") -> [[String]] {
    facts.flatMap { key, value in
      value.object.map { flattened($0.members, prefix + key + ".") } ?? [[prefix + key, plain(value)]]
    }
  }

  private func described() throws -> [(key: String, value: JSON)] {
    guard let found = try pathKind(path) else {
      if let result = try workplace.result(named: path) { return self.result(result) }
      throw Diagnostic(
        code: "file", "There is nothing at `\(path)`", at: Place(file: path),
        advice: "name a file, a folder, the key of a result, or RUN:NODE such as last:sft")
    }
    if found == .folder {
      if try pathKind(path + "/adapter_config.json") != nil { return try adapter() }
      let shards = (try folderNames(path) ?? []).filter { $0.hasSuffix(".tokens") }
      if !shards.isEmpty { return try tokens(shards.map { path + "/" + $0 }) }
    } else {
      switch try fileKind() {
      case .tokens: return try tokens([path])
      case .safetensors: return tensors(try SafetensorsFile(path: path))
      case .gguf: break
      case nil:
        throw Diagnostic(
          code: "unknown-kind", "Nothing is known about files like `\(path)`",
          reason: "known are .gguf and .safetensors files, token shards, and folders of models, adapters and tokens")
      }
    }
    var facts: [(key: String, value: JSON)] = [("kind", "model")]
    let model = try ModelFolder.open(path)
    facts += model.summary.json.object?.members ?? []
    facts += model.configuration.facts
    if case .huggingFace(let folder) = model, folder.furtherBlocks > 0 {
      let count = folder.furtherBlocks
      facts.append(
        ("left_out", JSON("\(count) block\(count == 1 ? " that predicts" : "s that predict") further tokens")))
    }
    let types = model.storedElements
    if types.count > 1 { facts.append(("stored_types", JSON(Self.told(types)))) }
    facts.append(("files", .array(model.files.files.map { JSON($0.path) })))
    if path.hasSuffix(".gguf") {
      let file = try GGUFFile(path: path)
      facts.append(("keys", .array(file.metadata.keys.map { JSON($0) })))
      facts.append(
        ("tensors", .array(file.entries.map { Self.tensor($0.name, $0.type.name, $0.shape) })))
    }
    return facts
  }

  /// Types of tensors in the words in which differing blocks are told.
  private static func told(_ types: [(type: String, tensors: Int)]) -> String {
    types.map { "\($0.type) (\($0.tensors) \($0.tensors == 1 ? "tensor" : "tensors"))" }.joined(separator: ", ")
  }

  private func adapter() throws -> [(key: String, value: JSON)] {
    let folder = try AdapterFolder(path: path)
    let adapter = folder.configuration
    let selection = type(of: adapter.method).standsBesideMaps ? adapter.selection.facts : []
    return [
      ("kind", "adapter"), ("method", JSON(type(of: adapter.method).name)),
    ] + adapter.method.facts + selection + adapter.base.facts + [
      ("base_model", folder.baseModel.map { JSON($0) } ?? .null)
    ]
  }

  private func tokens(_ shards: [String]) throws -> [(key: String, value: JSON)] {
    var counts = TokenCounts()
    for shard in shards { counts.add(try TokenShardReader(path: shard).counts) }
    return [("kind", "tokens"), ("shards", JSON(shards.count))] + (counts.json.object?.members ?? [])
  }

  private enum FileKind {
    case gguf, safetensors, tokens
  }

  /// What a file is, by its name or its first bytes: files in the store have no names of their own.
  private func fileKind() throws -> FileKind? {
    if path.hasSuffix(".gguf") { return .gguf }
    if path.hasSuffix(".safetensors") { return .safetensors }
    if path.hasSuffix(".tokens") { return .tokens }
    let handle = FileHandle(forReadingAtPath: path)
    let start = try handle?.read(upToCount: 9) ?? Data()
    if start.starts(with: Data("GGUF".utf8)) { return .gguf }
    if start.starts(with: Data("ANTOKENS".utf8)) { return .tokens }
    // The size of the header in eight bytes, then its brace.
    return start.count == 9 && start.last == UInt8(ascii: "{") && start[6] == 0 && start[7] == 0 ? .safetensors : nil
  }

  private func result(_ result: StoredResult) -> [(key: String, value: JSON)] {
    let outputs = result.outputs.sorted { $0.key < $1.key }.map { port, artefact -> (key: String, value: JSON) in
      let facets = artefact.type.facets.sorted { $0.key < $1.key }
      return (
        port,
        [
          "type": JSON(artefact.type.name), "digest": JSON(artefact.digest.hex), "size": JSON(artefact.size),
          "facets": JSON(facets.map { (key: $0.key, value: JSON($0.value.description)) }),
          "details": .object(artefact.details),
          "files": JSON(artefact.members.map { (key: $0.path, value: JSON($0.blob.digest.hex)) }),
        ]
      )
    }
    return [("kind", "result"), ("key", JSON(result.key.hex)), ("outputs", JSON(outputs))]
  }

  private func tensors(_ file: SafetensorsFile) -> [(key: String, value: JSON)] {
    [
      ("kind", "safetensors"),
      ("metadata", JSON(file.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value)) })),
      ("tensors", .array(file.entries.map { Self.tensor($0.name, $0.type.rawValue, $0.shape) })),
    ]
  }

  private static func tensor(_ name: String, _ type: String, _ shape: [Int]) -> JSON {
    ["name": JSON(name), "type": JSON(type), "shape": .array(shape.map { JSON($0) })]
  }
}
