import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import Tokenization

/// Writes the adapter of a model as a PEFT folder, and reads it back.
///
/// The folder holds `adapter_model.safetensors` (f32, PEFT's names), `adapter_config.json`, `README.md` and, where a
/// tokenizer is given, its files.
package struct AdapterWriter {
  package let baseModel: String
  package let tokenizer: Tokenizer?
  /// The model card; nil leaves `README.md` out.
  package var card: ModelCard?
  /// Asked before every tensor; what it throws ends the writing.
  private let watch: () throws -> Void

  /// - Parameters:
  ///   - baseModel: The path or hub name by which PEFT will look for the base.
  ///   - watch: Asked before every tensor; what it throws ends the writing.
  package init(
    baseModel: String, tokenizer: Tokenizer?, card: ModelCard?, watch: @escaping () throws -> Void = {}
  ) {
    self.baseModel = baseModel
    self.tokenizer = tokenizer
    self.card = card
    self.watch = watch
  }

  /// Writes the adapter of `model` into a new or empty folder.
  ///
  /// - Throws: ``AdapterError/noAdapter``, ``AdapterFolderError``, and errors of the file system.
  package func write(_ model: LanguageModel, to folder: String) throws {
    guard let adapter = model.adapter else { throw AdapterError.noAdapter }
    func value(_ name: String) throws -> Tensor {
      guard let value = try model.adapterTensor(named: name) else { throw WeightError.unknown(name: name) }
      return value
    }
    if let (made, tokens) = try model.configuration.withTokensMade(adapter, value) {
      return try write(made, of: model.configuration, to: folder) { $0 == tokens.name ? tokens.value : try value($0) }
    }
    func values(_ map: AdaptedMap) throws -> [Tensor] { try adapter.tensors(map).map { try value($0.name) } }
    let maps = model.configuration.adaptedMaps(adapter)
    var trained = adapter
    trained.method = try adapter.method.trained(maps, values)
    let places = trained.places(maps)
    try write(trained, of: model.configuration, to: folder) { name in
      guard let place = places[name] else { return try value(name) }
      return adapter.method.trained(place.map, try values(place.map))[place.index]
    }
  }

  /// Writes a fresh adapter for a model, with the first values of ``LanguageModel/attach(_:seed:)``.
  ///
  /// Cost: the adapter alone; no weight of the model is read but those that the method starts from and those that are
  /// trained themselves.
  ///
  /// - Parameter findings: What was found out about a map, for methods that start from it.
  /// - Returns: What stands in the folder: of its start nothing is left that first values alone hang on.
  /// - Throws: ``AdapterError``, ``AdapterFolderError``, and errors of the file system.
  @discardableResult
  package func write(
    fresh adapter: AdapterConfiguration, seed: UInt64, of model: ModelFolder,
    findings: @escaping (AdaptedMap) throws -> MapFindings? = { _ in nil }, to folder: String
  ) throws -> AdapterConfiguration {
    try model.configuration.validate(adapter)
    let start = AdapterStartValues(
      adapter, of: model.configuration, seed: seed, weight: model.weight, findings: findings
    ) {
      let shape = [model.configuration.vocabularySize, model.configuration.hiddenSize]
      return try model.weights.tensor(named: model.configuration.name(of: .embedding), shape: shape)
    }
    let trained = Dictionary(model.configuration.trainedTensors(adapter).map { ($0.name, $0) }) { first, _ in first }
    var settled = adapter
    settled.method = adapter.method.settled
    try write(settled, of: model.configuration, to: folder) { name in
      try trained[name].map { try model.weights.tensor(named: $0.base, shape: $0.shape) }
        ?? start.tensor(named: name)
    }
    return settled
  }

  /// Writes an adapter of given values.
  ///
  /// - Parameter values: The tensors of a map, in the order of ``LanguageModels/AdapterMethod/tensors(of:)``.
  package func write(
    _ adapter: AdapterConfiguration, of model: ModelConfiguration, to folder: String,
    values: (AdaptedMap) throws -> [Tensor]
  ) throws {
    try model.validate(adapter)
    var made: [String: Tensor] = [:]
    for map in model.adaptedMaps(adapter) {
      try watch()
      for (tensor, value) in zip(adapter.tensors(map), try values(map)) { made[tensor.name] = value }
    }
    try write(adapter, of: model, to: folder) { made[$0] }
  }

  /// Writes an adapter that stands in another folder already.
  ///
  /// - Parameter isPortable: Whether it becomes what PEFT knows: what was taken from the base's weights becomes a part of the
  ///   adapter, which then is one for the base as it is.
  package func write(
    _ source: AdapterFolder, of model: ModelConfiguration, isPortable: Bool = false, to folder: String
  ) throws {
    try source.check(against: model)
    let shapes = Dictionary(
      uniqueKeysWithValues: model.adapterTensors(source.configuration).map { ($0.name, $0.shape) })
    func read(_ name: String) throws -> Tensor { try source.tensor(named: name, shape: shapes[name] ?? []) }
    guard isPortable else { return try write(source.configuration, of: model, to: folder, values: read) }
    if let (made, tokens) = try model.withTokensMade(source.configuration, read) {
      return try write(made, of: model, to: folder) { $0 == tokens.name ? tokens.value : try read($0) }
    }
    var adapter = source.configuration
    adapter.method = adapter.method.portable
    let places = adapter.places(model.adaptedMaps(adapter))
    try write(adapter, of: model, to: folder) { name in
      guard let place = places[name] else { return try read(name) }
      let values = try source.configuration.tensors(place.map).map { try read($0.name) }
      return source.configuration.method.portable(values)[place.index]
    }
  }

  private func write(
    _ adapter: AdapterConfiguration, of model: ModelConfiguration, to folder: String,
    values: (String) throws -> Tensor?
  ) throws {
    var adapter = adapter
    adapter.method = adapter.method.fitted(to: model.adaptedMaps(adapter))
    try makeEmptyFolder(folder)
    try tokenizer?.writeFolder(to: folder)
    let tensors = model.adapterTensors(adapter)
    let writer = try SafetensorsWriter(
      path: folder + "/adapter_model.safetensors",
      tensors: tensors.map { .init(name: $0.name, type: .float32, shape: $0.shape) })
    for tensor in tensors {
      try watch()
      guard let value = try values(tensor.name) else { throw WeightError.unknown(name: tensor.name) }
      try writer.write(tensor.name, floats: UnsafeBufferPointer(value.buffer))
    }
    try writer.finish()
    let json = AdapterFolder.json(adapter, of: model, baseModel: baseModel)
    try writeFile(json.text(.pretty) + "\n", to: folder + "/adapter_config.json")
    if let card { try writeFile(card.text(library: "peft"), to: folder + "/README.md") }

    let written = try AdapterFolder(path: folder)
    try written.check(against: model)
    guard written.configuration == adapter else {
      throw AdapterFolderError(folder, .differsAfterWriting("the configuration"))
    }
    for tensor in tensors {
      try watch()
      let found = try written.tensor(named: tensor.name, shape: tensor.shape)
      guard let meant = try values(tensor.name), found.hasSameBits(as: meant, rounded: .float32) else {
        throw AdapterFolderError(folder, .differsAfterWriting("tensor `\(tensor.name)`"))
      }
    }
  }
}

extension AdapterConfiguration {
  /// Where each tensor beside a map stands, by its name.
  fileprivate func places(_ maps: [AdaptedMap]) -> [String: (map: AdaptedMap, index: Int)] {
    var places: [String: (map: AdaptedMap, index: Int)] = [:]
    for map in maps { for (index, tensor) in tensors(map).enumerated() { places[tensor.name] = (map, index) } }
    return places
  }
}

extension ModelFolder {
  /// The weight [out, in] of a map.
  package func weight(_ map: AdaptedMap) throws -> Tensor {
    let shape = map.isTransposed ? [map.inputs, map.outputs] : [map.outputs, map.inputs]
    let stored = try weights.tensor(named: map.module + ".weight", shape: shape)
    return map.isTransposed ? stored.transposed() : stored
  }
}
