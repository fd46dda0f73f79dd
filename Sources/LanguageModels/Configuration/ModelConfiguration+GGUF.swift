import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that the metadata of a GGUF file describes.
  ///
  /// - Parameters:
  ///   - file: The file's path, for messages.
  ///   - keys: All keys of the metadata.
  ///   - value: A metadata value as JSON, nil where the file has no such key.
  ///   - tensorShape: The row-major shape of the tensor of this (GGUF) name, nil where the file has none. The tensors
  ///     tell the vocabulary size, whether the head is tied and which linear maps have biases, as in llama.cpp.
  ///   - rotaryFactors: The numbers of a tensor of rotary factors, nil where the file does not have it.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(
    gguf file: String, keys: [String], value: @escaping (String) -> JSON?, tensorShape: @escaping (String) -> [Int]?,
    rotaryFactors: @escaping (String) -> [Float]? = { _ in nil }
  ) throws {
    var values = ConfigurationReader(file: file, lookup: value)
    guard let architecture = values.string("general.architecture") else {
      throw ModelConfigurationError(
        file: file, problems: values.problems.isEmpty ? [.missing(key: "general.architecture")] : values.problems)
    }
    guard let family = ModelFamilies.of(architecture: architecture), let layout = family.gguf else {
      let problem = ModelConfigurationError.Problem.unknownFamily(
        key: "general.architecture", found: architecture, supported: ModelFamilies.architectures)
      throw ModelConfigurationError(file: file, problems: [problem])
    }
    var reader = GGUFReader(values: values, layout: layout, tensorShape: tensorShape, rotaryFactors: rotaryFactors)
    let configuration = family.read(gguf: &reader)
    reader.values.reportUnread(among: keys, prefix: layout.architecture + ".", .gguf)
    self = try reader.values.finish(configuration)
  }
}
