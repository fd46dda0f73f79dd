import Foundation
import LanguageModels
import TensorFiles
import Tensors

/// A model on disk: a Hugging Face folder, or a GGUF file.
///
/// Opening reads the configuration and the headers of the weight files and checks that they fit together; tensor data is
/// read when asked for. Cost of opening: milliseconds, a tenth of a second where a GGUF holds a large vocabulary.
package enum ModelFolder: Sendable {
  case huggingFace(HuggingFaceFolder)
  case gguf(GGUFModel)

  /// Opens a folder with `config.json` and safetensors, a `.gguf` file, or a folder that holds one.
  ///
  /// - Throws: ``ModelFolderError``, ``ModelConfigurationError``, and what the readers of the files throw.
  package static func open(_ path: String) throws -> ModelFolder {
    switch try place(path) {
    case .folder: .huggingFace(try HuggingFaceFolder(path: path))
    case .gguf(let file): .gguf(try GGUFModel(path: file))
    }
  }

  /// The files that decide what a model computes, as ``files`` of the opened model gives them.
  ///
  /// Cost: no file is read but the index of a model in shards.
  ///
  /// - Throws: ``ModelFolderError`` when there is no model.
  package static func files(at path: String) throws -> [String] {
    switch try place(path) {
    case .folder: [HuggingFaceFolder.configurationPath(path)] + (try SafetensorsWeights.paths(folder: path))
    case .gguf(let file): [file]
    }
  }

  /// What a path leads to.
  private enum Place {
    case folder
    case gguf(String)
  }

  private static func place(_ path: String) throws -> Place {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ModelFolderError(path, .notFound)
    }
    guard isFolder.boolValue else { return .gguf(path) }
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let models = names.filter { $0.hasSuffix(".gguf") }
    let hasWeights = names.contains { $0.hasSuffix(".safetensors") }
    if names.contains("config.json"), hasWeights || models.isEmpty { return .folder }
    guard let model = models.first else { throw ModelFolderError(path, .notAModel(files: names)) }
    guard models.count == 1 else { throw ModelFolderError(path, .severalModels(models)) }
    return .gguf(path + "/" + model)
  }

  /// What messages call the model: the folder, or the GGUF file.
  package var path: String { weights.origin }

  package var configuration: ModelConfiguration {
    switch self {
    case .huggingFace(let folder): folder.configuration
    case .gguf(let model): model.configuration
    }
  }

  /// The stored tensors by Hugging Face's names, as f32 in Hugging Face's order of rows.
  package var weights: any WeightSource {
    switch self {
    case .huggingFace(let folder): folder.weights
    case .gguf(let model): model
    }
  }

  /// The files that decide what the model computes; a tokenizer's are not among them.
  package var files: [String] {
    switch self {
    case .huggingFace(let folder): [folder.configurationPath] + folder.weights.files.map(\.file.path)
    case .gguf(let model): [model.file.file.path]
    }
  }

  /// Reads the whole model.
  ///
  /// Cost: four bytes a parameter, and the packed copies of frozen matrices.
  package func languageModel(
    compute: Compute, trains: (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    try LanguageModel(configuration, weights: weights, compute: compute, trains: trains)
  }
}
