import Diagnostics
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
    let file = path + "/config.json"
    configurationJSON = try readJSON(file)
    configuration = try ModelConfiguration(huggingFace: configurationJSON, file: file)
    weights = try SafetensorsWeights(folder: path)
    try check()
  }

  package var configurationPath: String { path + "/config.json" }

  private func check() throws {
    var problems: [ModelFolderError.Problem] = []
    let names = weights.names
    var expected: Set<String> = []
    for tensor in configuration.tensors {
      expected.insert(tensor.name)
      guard let entry = weights.entry(tensor.name) else {
        problems.append(.missingTensor(tensor.name, nearest: nearestName(to: tensor.name, among: names)))
        continue
      }
      if entry.shape != tensor.shape {
        problems.append(.wrongShape(tensor: tensor.name, wanted: tensor.shape, found: entry.shape))
      }
      if !entry.type.isFloat { problems.append(.notFloat(tensor: tensor.name, type: entry.type.rawValue)) }
    }
    for name in names where !expected.contains(name) && !isRedundant(name) { problems.append(.unexpectedTensor(name)) }
    guard problems.isEmpty else { throw ModelFolderError(path, problems: problems) }
  }

  /// Whether a tensor repeats what is known: a tied head, or rotary frequencies that old files carry.
  private func isRedundant(_ name: String) -> Bool {
    name.hasSuffix(".rotary_emb.inv_freq") || (configuration.tiesHead && name == TensorRole.head.name)
  }
}

/// Reads a JSON file.
func readJSON(_ path: String) throws -> JSON { try JSON(parsing: readBytes(path), file: path) }
