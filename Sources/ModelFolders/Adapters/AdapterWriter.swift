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
    try write(adapter, of: model.configuration, to: folder) { try model.adapterTensor(named: $0) }
  }

  /// Writes a fresh adapter for a model, with the first values of ``LanguageModel/attach(_:seed:)``.
  ///
  /// Cost: the adapter alone; no weight of the model is read but those that the method starts from and those that are
  /// trained themselves.
  ///
  /// - Throws: ``AdapterError``, ``AdapterFolderError``, and errors of the file system.
  package func write(
    fresh adapter: AdapterConfiguration, seed: UInt64, of model: ModelFolder, to folder: String
  ) throws {
    try model.configuration.validate(adapter)
    let start = AdapterStartValues(adapter, of: model.configuration, seed: seed) { map in
      let shape = map.isTransposed ? [map.inputs, map.outputs] : [map.outputs, map.inputs]
      let stored = try model.weights.tensor(named: map.module + ".weight", shape: shape)
      return map.isTransposed ? stored.transposed() : stored
    } rows: {
      let shape = [model.configuration.vocabularySize, model.configuration.hiddenSize]
      return try model.weights.tensor(named: model.configuration.name(of: .embedding), shape: shape)
    }
    let trained = Dictionary(model.configuration.trainedTensors(adapter).map { ($0.name, $0) }) { first, _ in first }
    try write(adapter, of: model.configuration, to: folder) { name in
      try trained[name].map { try model.weights.tensor(named: $0.base, shape: $0.shape) }
        ?? start.tensor(named: name)
    }
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
    var adapter = source.configuration
    adapter.method = adapter.method.portable
    var places: [String: (map: AdaptedMap, index: Int)] = [:]
    for map in model.adaptedMaps(adapter) {
      for (index, tensor) in adapter.tensors(map).enumerated() { places[tensor.name] = (map, index) }
    }
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
