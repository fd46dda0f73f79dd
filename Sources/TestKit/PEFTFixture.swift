import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// An adapter of `scripts/reference/peft_methods` on a tiny Llama, whose numbers are a formula, and what PEFT computes with
/// it.
package struct PEFTFixture: Sendable {
  /// Such as `dora`.
  package let name: String
  /// All of the file.
  package let values: JSON
  /// All of its base's file.
  package let base: JSON

  package init(_ name: String) throws {
    self.name = name
    values = try readJSON(fixture("PEFTMethods/\(name).json"))
    base = try readJSON(fixture("PEFTMethods/bases/\(values["base"]?.string ?? "").json"))
  }

  package func configuration() throws -> ModelConfiguration {
    guard let config = base["config"] else { throw FixtureError(text: "no config") }
    return try ModelConfiguration(huggingFace: config, file: "\(name).json")
  }

  package func baseWeights() throws -> FormulaWeights { try FormulaWeights(base) }
  package func sequences() throws -> [LabelledSequence] { try labelledSequences(base["sequences"]) }

  /// Writes the folder that PEFT would: the tensors of the formula, or others by name.
  package func write(to folder: String, _ change: (String, Tensor) -> Tensor = { $1 }) throws {
    guard let config = values["adapter_config"] else { throw FixtureError(text: "no adapter_config") }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(config.text().utf8).write(to: URL(fileURLWithPath: folder + "/adapter_config.json"))
    // What makes tokens while they are learned is nothing that PEFT saves.
    let made = (values["tensors"]?.array ?? []).filter { $0["name"]?.string?.hasPrefix("prompt_encoder.") == true }
    let saved = (made.count > 1 ? made : values["saved"]?.array ?? []).compactMap { tensor in
      tensor["name"]?.string.map { (name: $0, shape: tensor["shape"]?.array?.compactMap(\.int) ?? []) }
    }
    let writer = try SafetensorsWriter(
      path: folder + "/adapter_model.safetensors",
      tensors: saved.map { .init(name: $0.name, type: .float32, shape: $0.shape) })
    for (name, shape) in saved {
      let tensor = change(name, try tensor(name, shape))
      try writer.write(name, floats: UnsafeBufferPointer(tensor.buffer))
    }
    try writer.finish()
  }

  private func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
    // What is learned has a name of its own while PEFT learns it.
    let own = name == "prompt_embeddings" ? "prompt_encoder.embedding.weight" : name
    let same = values["same_as"]?[own]?.string ?? own
    guard let entry = values["tensors"]?.array?.first(where: { $0["name"]?.string == same }),
      let mean = entry["mean"]?.double, let amplitude = entry["amplitude"]?.double
    else { return Tensor(shape: shape) }
    let tensor = patternedTensor(same, shape: shape, amplitude: Float(amplitude))
    for index in 0..<tensor.count { tensor.pointer[index] += Float(mean) }
    return tensor
  }

  /// The logits that PEFT computes at the places of the base.
  package func logits(_ key: String = "logits") -> [[Float]] {
    (values[key]?.array ?? []).map { ($0.array ?? []).compactMap { $0.double.map { Float($0) } } }
  }

  /// The logits of a model at those places.
  package func logits(of model: LanguageModel) throws -> [[Float]] {
    let sequences = try sequences()
    return try (base["places"]?.array ?? []).map { place in
      guard let pair = place.array?.compactMap(\.int), pair.count == 2 else { throw FixtureError(text: "no place") }
      let ids = sequences[pair[0]].ids
      return try model.logits(ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: [Int32(pair[1])]).values
    }
  }
}
