import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that a `config.json` describes.
  ///
  /// Keys that are known not to change what is computed are passed over (``KnownKeys``); values that mean another
  /// computation than ours, and keys that nobody knows, are errors.
  /// - Parameter file: Where the JSON came from, for messages.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(huggingFace json: JSON, file: String = "config.json") throws {
    guard let object = json.object else {
      throw ModelConfigurationError(file: file, problems: [.notAnObject(found: json.kind)])
    }
    var reader = ConfigurationReader(file: file) { object[$0] }
    let type = reader.string("model_type")
    let family = type.flatMap(ModelFamilies.of(modelType:))
    if let type, family == nil {
      let parts = reader.lookup("text_config")
      let problem = ModelConfigurationError.Problem.unknownFamily(
        key: "model_type", found: type, supported: ModelFamilies.modelTypes,
        languageModel: parts.map { $0["model_type"]?.string ?? "" })
      // The keys of such a model stand in the parts.
      if parts?.object != nil { throw ModelConfigurationError(file: file, problems: [problem]) }
      reader.report(problem)
    } else if type == nil, reader.problems.isEmpty {
      reader.report(.missing(key: "model_type"))
    }
    if let quantization = reader.lookup("quantization_config") {
      let method = quantization["quant_method"]?.string ?? quantization.kind
      reader.report(.unsupported(key: "quantization_config", found: method, supported: ["none"]))
    }
    // What else is wrong with a file of an unknown family is told in the words of the plainest one.
    let configuration = (family ?? Llama.self).read(&reader)
    if family != nil { reader.reportUnread(among: object.keys, .huggingFace) }
    self = try reader.finish(configuration)
  }

  /// The members of a `config.json` from which the configuration can be read again, in the order of their names.
  package var huggingFaceMembers: [(key: String, value: JSON)] {
    let own: [(key: String, value: JSON)] = [
      ("architectures", [JSON(family.type.modelClass)]), ("hidden_size", JSON(hiddenSize)),
      ("max_position_embeddings", JSON(maximumPositions)), ("model_type", JSON(family.type.modelTypes[0])),
      ("num_hidden_layers", JSON(blocks.count)), ("tie_word_embeddings", JSON(head.isTied)),
      ("vocab_size", JSON(vocabularySize)),
    ]
    // What a family writes itself stands in place of what all have.
    let written = family.type.write(self)
    let keys = Set(written.map(\.key))
    return (own.filter { !keys.contains($0.key) } + written).sorted { $0.key < $1.key }
  }
}
