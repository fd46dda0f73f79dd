import Foundation
import PreciseJSON
import TestKit

/// What transformers continues a prompt with.
struct GreedyRow {
  var prompt: [Int32]
  var ids: [Int32]
  var logits: [Float]
}

/// The values of `scripts/reference/model_folders.py` for a model or adapter.
func expectedValues(_ name: String) throws -> JSON {
  try readJSON(fixture("ModelFolders/expected.json"))[name] ?? .null
}

func greedyRows(_ name: String) throws -> [GreedyRow] {
  func ids(_ json: JSON?) -> [Int32] { json?.array?.compactMap(\.int).map { Int32($0) } ?? [] }
  return try expectedValues(name)["greedy"]?.array?.map {
    GreedyRow(
      prompt: ids($0["prompt"]), ids: ids($0["ids"]),
      logits: $0["logits"]?.array?.compactMap(\.double).map { Float($0) } ?? [])
  } ?? []
}

/// Copies a fixture, a file or a folder.
func copy(_ name: String, to path: String) throws {
  try FileManager.default.copyItem(atPath: fixture(name), toPath: path)
}

/// Reads a JSON file, changes it and writes it back.
func edit(_ path: String, _ change: (inout JSONObject) -> Void) throws {
  var object = try readJSON(path).object ?? JSONObject()
  change(&object)
  try Data(JSON.object(object).text().utf8).write(to: URL(fileURLWithPath: path))
}
