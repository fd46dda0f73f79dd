import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles

/// A model as transformers saves it: `config.json` beside safetensors, in one file or in shards.
package struct HuggingFaceFolder: Sendable {
  package let path: String
  /// `config.json` as it stands.
  package let configurationJSON: JSON
  package let configuration: ModelConfiguration
  package let weights: SafetensorsWeights

  /// Opens the folder and checks that its tensors are those of its configuration.
  package init(path: String) throws {
    self.path = path
    let file = Self.configurationPath(path)
    configurationJSON = try readJSON(file)
    configuration = try ModelConfiguration(huggingFace: configurationJSON, file: file)
    weights = try SafetensorsWeights(folder: path)
    try check()
  }

  package var configurationPath: String { Self.configurationPath(path) }

  static func configurationPath(_ folder: String) -> String { folder + "/config.json" }

  private func check() throws {
    let names = weights.names
    var problems = TensorCheck(
      configuration: configuration, stored: names, name: \.name, shape: { weights.entry($0)?.shape }
    ).problems(isRedundant: isRedundant)
    for name in names where !isRedundant(name) {
      guard let type = weights.entry(name)?.type, !type.isFloat else { continue }
      problems.append(.notFloat(tensor: name, type: type.rawValue))
    }
    guard problems.isEmpty else { throw ModelFolderError(path, problems: problems) }
  }

  /// Whether a tensor repeats what is known: a tied head, or rotary frequencies that old files carry.
  private func isRedundant(_ name: String) -> Bool {
    name.hasSuffix(".rotary_emb.inv_freq") || (configuration.tiesHead && name == TensorRole.head.name)
  }
}

/// Reads a JSON file.
func readJSON(_ path: String) throws -> JSON { try JSON(parsing: readBytes(path), file: path) }
