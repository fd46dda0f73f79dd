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
    weights = try SafetensorsWeights(files)
    configuration = try Self.untied(
      ModelConfiguration(huggingFace: configurationJSON, file: configurationPath), weights)
    try check()
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
      configuration: configuration, stored: names, place: { ($0.name, $0.shape) }, shape: { weights.entry($0)?.shape }
    ).problems(isRedundant: isRedundant)
    for name in names where !isRedundant(name) {
      guard let type = weights.entry(name)?.type, !type.isFloat else { continue }
      problems.append(.notFloat(tensor: name, type: type.rawValue))
    }
    guard problems.isEmpty else { throw ModelFolderError(files.origin, problems: problems) }
  }

  /// Whether a tensor repeats what is known: a tied head, or rotary frequencies that old files carry.
  private func isRedundant(_ name: String) -> Bool {
    name.hasSuffix(".rotary_emb.inv_freq") || (configuration.head.isTied && name == configuration.name(of: .head))
  }
}

/// Reads a JSON file.
func readJSON(_ path: String) throws -> JSON { try JSON(parsing: readBytes(path), file: path) }
