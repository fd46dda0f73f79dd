import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles

/// A model as transformers saves it: `config.json` beside safetensors, in one file or in shards.
package struct HuggingFaceFolder: Sendable {
  package let files: FileSet
  /// `config.json` as it stands.
  package let configurationJSON: JSON
  package let configurationPath: String
  package let configuration: ModelConfiguration
  package let weights: SafetensorsWeights

  /// Opens the files and checks that the tensors are those of the configuration.
  package init(_ files: FileSet) throws {
    self.files = files
    configurationPath = files[ModelFolder.configurationFile] ?? files.origin + "/" + ModelFolder.configurationFile
    configurationJSON = try readJSON(configurationPath)
    let stated = try ModelConfiguration(huggingFace: configurationJSON, file: configurationPath)
    weights = try Self.named(SafetensorsWeights(files), stated)
    configuration = try Self.untied(stated, weights)
    try check()
  }

  /// The weights under the names of the whole model: files of the model without its head, such as those of GPT-2, leave out
  /// what all names begin with.
  private static func named(
    _ weights: SafetensorsWeights, _ configuration: ModelConfiguration
  ) -> SafetensorsWeights {
    let embedding = configuration.name(of: .embedding)
    guard let dot = embedding.firstIndex(of: "."), !weights.has(embedding) else { return weights }
    let prefix = embedding[...dot]
    return weights.has(String(embedding.dropFirst(prefix.count))) ? weights.prefixed(String(prefix)) : weights
  }

  /// The configuration, with a head of its own where the files hold another one than the embedding.
  ///
  /// `tie_word_embeddings` is then wrong, and transformers 5 believes the tensors (`PreTrainedModel.tie_weights`). Cost
  /// where a tied model stores both: both are read.
  private static func untied(
    _ configuration: ModelConfiguration, _ weights: SafetensorsWeights
  ) throws -> ModelConfiguration {
    let (embedding, head) = (configuration.name(of: .embedding), configuration.name(of: .head))
    guard configuration.head.isTied, weights.has(embedding), weights.has(head) else { return configuration }
    var configuration = configuration
    configuration.head.isTied = try weights.holdSameNumbers(embedding, head)
    return configuration
  }

  private func check() throws {
    let names = weights.names
    var problems = TensorCheck(
      configuration: configuration, stored: names, places: { [($0.name, $0.shape)] },
      shape: { weights.entry($0)?.shape }
    ).problems(isRedundant: isRedundant)
    for name in names where !isRedundant(name) {
      guard let type = weights.entry(name)?.type, !type.isFloat else { continue }
      problems.append(.notFloat(tensor: name, type: type.rawValue))
    }
    guard problems.isEmpty else { throw ModelFolderError(files.origin, problems: problems) }
  }

  /// Rotary frequencies, and masks of GPT-2, GPT-NeoX, GPT-J and their kind, which old files carry.
  private static let buffers = [
    ".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias",
  ]

  /// Whether a tensor repeats what is known, a tied head, or what is made anew; or is left out.
  private func isRedundant(_ name: String) -> Bool {
    Self.buffers.contains { name.hasSuffix($0) }
      || (configuration.head.isTied && name == configuration.name(of: .head)) || isOfFurtherBlock(name)
  }

  /// The blocks behind the last that predict further tokens, such as those of DeepSeek-V3 and GLM-4.5: they change nothing of what
  /// the model itself says, and are neither computed nor written, as in transformers.
  package var furtherBlocks: Int {
    let count = configurationJSON["num_nextn_predict_layers"]?.int ?? 0
    return weights.names.contains(where: isOfFurtherBlock) ? count : 0
  }

  private func isOfFurtherBlock(_ name: String) -> Bool {
    guard let count = configurationJSON["num_nextn_predict_layers"]?.int, count > 0, count < 100 else { return false }
    let last = configuration.blocks.count
    return (last..<last + count).contains { name.hasPrefix("model.layers.\($0).") }
  }
}

/// Reads a JSON file.
func readJSON(_ path: String) throws -> JSON { try JSON(parsing: readBytes(path), file: path) }
