import Diagnostics
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
  package static func open(_ path: String) throws -> ModelFolder { try open(files(at: path)) }

  /// Opens a model from the files that ``files(at:)`` gives, and opens no other.
  ///
  /// - Throws: As ``open(_:)-(String)``.
  package static func open(_ files: FileSet) throws -> ModelFolder {
    if files[configurationFile] == nil, let model = files[ggufFile] { return .gguf(try GGUFModel(path: model)) }
    return .huggingFace(try HuggingFaceFolder(files))
  }

  static let configurationFile = "config.json"
  static let generationFile = "generation_config.json"
  /// What a GGUF file is called in a set, whatever its name.
  private static let ggufFile = "model.gguf"

  /// The files that make up the model at a path: configuration, what it says about generating, index and weights.
  ///
  /// A tokenizer's files are not among them.
  ///
  /// Cost: no file is read but the index of a model in shards.
  ///
  /// - Throws: ``ModelFolderError`` when there is no model.
  package static func files(at path: String) throws -> FileSet {
    guard let found = try pathKind(path) else {
      throw ModelFolderError(path, .notFound)
    }
    guard found == .folder else { return gguf(path) }
    let names = try folderNames(path) ?? []
    let models = names.filter { $0.hasSuffix(".gguf") }
    let hasWeights = names.contains { $0.hasSuffix(".safetensors") }
    if names.contains(configurationFile), hasWeights || models.isEmpty {
      let weights = try SafetensorsWeights.names(folder: path)
      return try FileSet(folder: path, names: [configurationFile] + weights + [generationFile])
    }
    guard let model = models.first else { throw ModelFolderError(path, .notAModel(files: names)) }
    guard models.count == 1 else { throw ModelFolderError(path, .severalModels(models)) }
    return gguf(path + "/" + model)
  }

  private static func gguf(_ path: String) -> FileSet { FileSet([FileSet.File(name: ggufFile, path: path)]) }

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

  /// What matrices are stored in that can be used as they are stored, by Hugging Face's names; see
  /// ``Tensors/BlockFormat``.
  package var storedFormats: [String: String] {
    get throws {
      var formats: [String: String] = [:]
      let parts = configuration.expertParts.filter { weights.hasPart($0.name) }
      for tensor in configuration.tensors + parts where tensor.shape.count >= 2 {
        let stored =
          try weights.stored(named: tensor.name, shape: tensor.shape, transposed: false)
          ?? weights.stored(named: tensor.name, shape: tensor.shape, transposed: true)
        formats[tensor.name] = stored?.formatName
      }
      return formats
    }
  }

  /// The files that make up the model; a tokenizer's are not among them.
  package var files: FileSet {
    switch self {
    case .huggingFace(let folder):
      folder.files.filter {
        $0 == Self.configurationFile || $0 == Self.generationFile || folder.weights.fileNames.contains($0)
      }
    case .gguf(let model): Self.gguf(model.file.file.path)
    }
  }

  /// Reads the whole model.
  ///
  /// Cost: four bytes a parameter, and the packed copies of frozen matrices; less where the plan says so.
  package func languageModel(
    compute: Compute, plan: PrecisionPlan = PrecisionPlan(), trains: @escaping (String) -> Bool = { _ in false }
  ) throws -> LanguageModel {
    try LanguageModel(configuration, weights: weights, compute: compute, plan: plan, trains: trains)
  }

  /// The model in memory with an adapter beside it.
  ///
  /// - Throws: As ``languageModel(compute:trains:)``, and what ``AdapterFolder/attach(to:)`` throws.
  package func languageModel(compute: Compute, beside adapter: AdapterFolder) throws -> LanguageModel {
    let model = try LanguageModel(
      configuration, weights: adapter.weights(beside: weights, of: configuration), compute: compute,
      beside: adapter.configuration)
    try adapter.attach(to: model)
    return model
  }
}
