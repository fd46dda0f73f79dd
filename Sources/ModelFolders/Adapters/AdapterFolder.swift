import Diagnostics
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// An adapter as PEFT saves it: `adapter_config.json` and `adapter_model.safetensors`.
///
/// Its tensors are a ``WeightSource`` under PEFT's names, such as
/// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight` [R, in].
package struct AdapterFolder: Sendable {
  package let path: String
  package let configuration: AdapterConfiguration
  /// The base model that the adapter was made for, as its configuration names it.
  package let baseModel: String?
  /// Whether a head that is the embedding moves with it.
  private let tiesHead: Bool
  let file: SafetensorsFile

  private static let configurationFile = "adapter_config.json"
  private static let weightsFile = "adapter_model.safetensors"

  /// The files that make up the adapter in a folder.
  ///
  /// Cost: none is read.
  ///
  /// - Throws: ``AdapterFolderError`` when there is none.
  package static func files(at path: String) throws -> FileSet {
    let files = try FileSet(folder: path, names: [configurationFile, weightsFile])
    guard files[configurationFile] != nil else { throw AdapterFolderError(path, .notAnAdapter) }
    guard files[weightsFile] != nil else {
      let isPickled = try pathKind(path + "/adapter_model.bin") != nil
      throw AdapterFolderError(path, .noWeights(isPickled: isPickled))
    }
    return files
  }

  /// Opens the folder; options that mean another computation than what is done here are refused.
  ///
  /// - Throws: ``AdapterFolderError``, and what reading the files throws.
  package init(path: String) throws { try self.init(Self.files(at: path)) }

  /// Opens an adapter from the files that ``files(at:)`` gives, and opens no other.
  ///
  /// - Throws: As ``init(path:)``.
  package init(_ files: FileSet) throws {
    path = files.origin
    guard let options = files[Self.configurationFile] else { throw AdapterFolderError(path, .notAnAdapter) }
    guard let weights = files[Self.weightsFile] else { throw AdapterFolderError(path, .noWeights(isPickled: false)) }
    let json = try readJSON(options)
    file = try SafetensorsFile(path: weights)
    let read = try Self.options(json, names: file.names, path: options)
    (configuration, baseModel, tiesHead) = (read.configuration, read.baseModel, read.tiesHead)
  }

  /// Checks that every tensor belongs to a linear map of the model, and that none is missing.
  ///
  /// - Throws: ``AdapterFolderError`` with every problem found.
  package func check(against model: ModelConfiguration) throws {
    var problems: [AdapterFolderError.Problem] = []
    let wanted = model.adapterTensors(configuration)
    for (name, shape) in wanted {
      guard file.has(name) else {
        problems.append(.missingTensor(name))
        continue
      }
      let found = try file.entry(name).shape
      if found != shape { problems.append(.wrongShape(tensor: name, wanted: shape, found: found)) }
    }
    if model.trainsTiedHead(configuration), !tiesHead { problems.append(.untiedHead) }
    let known = Set(wanted.map(\.name))
    for name in file.names where !known.contains(name) {
      // Finding the nearest name takes a while among thousands: only the first problems, which are told, have one.
      let nearest = problems.count < 8 ? nearestName(to: name, among: wanted.map(\.name)) : nil
      problems.append(.unmatchedTensor(name, nearest: nearest))
    }
    guard problems.isEmpty else { throw AdapterFolderError(path, problems: problems) }
  }

  /// The weights of a base, with the adapter's own in place of those that it trains.
  package func weights(beside base: any WeightSource, of model: ModelConfiguration) -> any WeightSource {
    let trained = model.trainedTensors(configuration)
    guard !trained.isEmpty else { return base }
    return BesideAdapter(
      base: base, adapter: self, names: Dictionary(trained.map { ($0.base, $0.name) }) { first, _ in first })
  }

  /// Puts the adapter beside the model's linear maps, to be trained further or used.
  ///
  /// A model of which it trains tensors is read through ``weights(beside:of:)``, with its configuration.
  package func attach(to model: LanguageModel) throws {
    try check(against: model.configuration)
    try model.attach(configuration, from: self)
  }
}

extension AdapterFolder: WeightSource {
  package var origin: String { path }
  package func has(_ name: String) -> Bool { file.has(place(of: name)) }
  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    try file.tensor(named: place(of: name), shape: shape)
  }

  /// PEFT's name of a tensor, which may be one of the base's that is trained.
  private func place(of name: String) -> String {
    if file.has(name) { return name }
    let own = AdaptedMap.prefix + name
    if file.has(own) || !name.hasSuffix(".bias") { return own }
    return AdaptedMap.prefix + name.dropLast("bias".count) + "base_layer.bias"
  }
}
