import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// A tiny random model of `scripts/reference/tiny_llama.py`, and what transformers computes with it.
package struct TinyLlama {
  /// `gqa`, `tied`, `llama3` or `qwen2`.
  package let name: String
  package let configuration: ModelConfiguration
  package let weights: StoredWeights

  package init(_ name: String) throws {
    self.name = name
    let path = fixture("LanguageModels/\(name)/config.json")
    configuration = try ModelConfiguration(huggingFace: readJSON(path), file: path)
    weights = try StoredWeights(fixture("LanguageModels/\(name)/model.safetensors"))
  }

  /// The model, frozen unless told otherwise.
  package func model(
    threads: Int = 1, packsSingleRows: Bool = false, trains: @escaping (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    try LanguageModel(
      configuration, weights: weights, compute: Compute(threads: threads, packsSingleRows: packsSingleRows),
      trains: trains)
  }

  /// The sequences that the expected values are for.
  package func sequences() throws -> [LabelledSequence] {
    try labelledSequences(readJSON(fixture("LanguageModels/\(name)/expected.json"))["sequences"])
  }

  /// `loss` and `gradient_norms`.
  package func expectedNumbers() throws -> JSON { try readJSON(fixture("LanguageModels/\(name)/expected.json")) }

  /// `logits.<sequence>` and `gradient.<parameter>`.
  package func expectedTensors() throws -> StoredWeights {
    try StoredWeights(fixture("LanguageModels/\(name)/expected.safetensors"))
  }
}

/// The JSON value of a file.
package func readJSON(_ path: String) throws -> JSON {
  try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), file: path)
}

/// What is wrong with a fixture.
package struct FixtureError: Error {
  package let text: String

  package init(text: String) { self.text = text }
}

/// The sequences that a script wrote as `[{"ids": […], "trained": […]}]`.
package func labelledSequences(_ json: JSON?) throws -> [LabelledSequence] {
  guard let list = json?.array else { throw FixtureError(text: "no list of sequences") }
  return try list.map { item in
    guard let ids = item["ids"]?.array?.compactMap(\.int), let trained = item["trained"]?.array?.compactMap(\.bool)
    else { throw FixtureError(text: "a sequence without ids or marks") }
    return LabelledSequence(ids: ids.map { Int32($0) }, lossMask: trained)
  }
}
