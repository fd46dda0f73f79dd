import ArgumentParser
import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import TokenShards

/// `anneal inspect`: what a file or folder holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Describes a model folder, an adapter, a GGUF or safetensors file, or a token shard.")

  @Argument(help: "The file or folder.")
  var path: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let facts = try described()
      if json {
        Terminal.put(JSON(facts).text(.pretty))
      } else {
        Terminal.put(table(facts.filter { $0.value.array == nil }.map { [$0.key, $0.value.string ?? $0.value.text()] }))
        for tensor in facts.first(where: { $0.key == "tensors" })?.value.array ?? [] {
          Terminal.put("  \(tensor["name"]?.string ?? "")  \(tensor["type"]?.string ?? "")  \(tensor["shape"]?.text() ?? "")")
        }
      }
    }
  }

  private func described() throws -> [(key: String, value: JSON)] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Diagnostic(code: "file", "There is nothing at `\(path)`", at: Place(file: path))
    }
    if isFolder.boolValue, FileManager.default.fileExists(atPath: path + "/adapter_config.json") {
      return try adapter()
    }
    if path.hasSuffix(".tokens") { return shard(try TokenShardReader(path: path)) }
    if path.hasSuffix(".safetensors") { return tensors(try SafetensorsFile(path: path)) }
    var facts: [(key: String, value: JSON)] = [("kind", "model")]
    let model = try ModelFolder.open(path)
    facts += model.summary.json.object?.members ?? []
    facts.append(("files", .array(model.files.map { JSON($0) })))
    if path.hasSuffix(".gguf") {
      let file = try GGUFFile(path: path)
      facts.append(("keys", .array(file.metadata.keys.map { JSON($0) })))
      facts.append(
        ("tensors", .array(file.entries.map { Self.tensor($0.name, $0.type.name, $0.shape) })))
    }
    return facts
  }

  private func adapter() throws -> [(key: String, value: JSON)] {
    let folder = try AdapterFolder(path: path)
    let adapter = folder.configuration
    return [
      ("kind", "adapter"), ("rank", JSON(adapter.rank)), ("alpha", JSON(Double(adapter.alpha))),
      ("dropout", JSON(Double(adapter.dropout))), ("rslora", JSON(adapter.usesRSLoRA)),
      ("targets", .array(adapter.targetNames.map { JSON($0) })),
      ("base_model", folder.baseModel.map { JSON($0) } ?? .null),
    ]
  }

  private func shard(_ reader: TokenShardReader) -> [(key: String, value: JSON)] {
    [("kind", "token shard")] + (reader.counts.json.object?.members ?? [])
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
