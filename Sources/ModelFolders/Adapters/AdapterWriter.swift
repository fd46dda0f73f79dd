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
    let values = Dictionary(uniqueKeysWithValues: model.adapterParameters.map { ($0.name, $0.value) })
    try write(adapter, of: model.configuration, to: folder) { name in
      values[name]
    }
  }

  /// Writes a fresh adapter for a model of these shapes, with the first values of ``LanguageModel/attach(_:seed:)``.
  ///
  /// Cost: the adapter alone; no weight of the model is read.
  ///
  /// - Throws: ``AdapterError``, ``AdapterFolderError``, and errors of the file system.
  package func write(
    fresh adapter: AdapterConfiguration, seed: UInt64, of model: ModelConfiguration, to folder: String
  ) throws {
    try adapter.validate()
    let shapes = Dictionary(uniqueKeysWithValues: model.adapterTensors(adapter).map { ($0.name, $0.shape) })
    try write(adapter, of: model, to: folder) { name in
      shapes[name].map { LanguageModel.freshAdapterTensor(name, $0, seed: seed) }
    }
  }

  /// Writes an adapter that stands in another folder already.
  package func write(_ source: AdapterFolder, of model: ModelConfiguration, to folder: String) throws {
    try source.check(against: model)
    let shapes = Dictionary(
      uniqueKeysWithValues: model.adapterTensors(source.configuration).map { ($0.name, $0.shape) })
    try write(source.configuration, of: model, to: folder) { name in
      try source.tensor(named: name, shape: shapes[name] ?? [])
    }
  }

  private func write(
    _ adapter: AdapterConfiguration, of model: ModelConfiguration, to folder: String,
    values: (String) throws -> Tensor?
  ) throws {
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
