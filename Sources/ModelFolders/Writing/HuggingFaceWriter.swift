import Foundation
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import Tokenization

/// Writes a model as a Hugging Face folder that transformers, vLLM and converters load unmodified, and reads it back.
///
/// The folder holds `config.json` and `generation_config.json` (the base's, with only what changed rewritten; made from
/// the metadata where the base is a GGUF file), `model.safetensors` or shards with an index, the tokenizer's files and
/// `README.md`. A tied head is not written.
package struct HuggingFaceWriter {
  package let base: ModelFolder
  /// Whose files go along; nil leaves them out.
  package let tokenizer: Tokenizer?
  /// The model card; nil leaves `README.md` out.
  package var card: ModelCard?
  /// The type of all tensors; nil keeps each tensor's own in a Hugging Face base, the most frequent one of a GGUF file
  /// that is not quantised, and takes bfloat16 for one that is.
  package var elementType: ElementType?
  /// Copies of blocks that the model gets; nil leaves its blocks as they are.
  package var expansion: BlockExpansion?
  /// The most bytes of tensors in one file; a larger tensor has a file of its own.
  package var shardSize = 5_000_000_000

  package init(base: ModelFolder, tokenizer: Tokenizer?, card: ModelCard?, elementType: ElementType? = nil) {
    self.base = base
    self.tokenizer = tokenizer
    self.card = card
    self.elementType = elementType
  }

  /// The bytes of the tensors that will be written.
  package var tensorBytes: Int { declarations.reduce(0) { $0 + $1.count * $1.type.size } }

  /// Writes `weights`, which has the tensors of the base or of its expansion, into a new or empty folder.
  ///
  /// Holds one tensor in memory at a time, besides what the source holds; asks the source for each tensor twice.
  /// - Throws: ``ModelFolderError``, what the source throws, and errors of the file system.
  package func write(_ weights: any WeightSource, to folder: String) throws {
    if let elementType, !Self.writable.contains(elementType) {
      throw ModelFolderError(
        folder, .notWritable(type: elementType.rawValue, supported: Self.writable.map(\.rawValue)))
    }
    let vocabulary = base.configuration.vocabularySize
    if let tokenizer, tokenizer.vocabularySize > vocabulary {
      throw ModelFolderError(
        base.path, .tokenizerTooLarge(tokens: tokenizer.vocabularySize, vocabulary: vocabulary))
    }
    try makeEmptyFolder(folder)
    try tokenizer?.writeFolder(to: folder)
    try writeConfiguration(to: folder)
    let tensors = declarations
    try writeTensors(tensors, weights, to: folder)
    if let card { try writeFile(card.text(library: "transformers"), to: folder + "/README.md") }
    try verify(tensors, weights, in: folder)
  }

  private static let writable: [ElementType] = [.float32, .bfloat16, .float16]

  private var declarations: [SafetensorsWriter.Declaration] {
    configuration.tensors.map {
      .init(name: $0.name, type: type(of: expansion?.copied($0) ?? $0.name), shape: $0.shape)
    }
  }

  /// What the folder describes.
  private var configuration: ModelConfiguration { expansion?.configuration ?? base.configuration }

  private func type(of name: String) -> ElementType {
    if let elementType { return elementType }
    switch base {
    case .huggingFace(let folder):
      // What is wider than f32 was rounded when it was read.
      let stored = folder.weights.entry(name)?.type ?? .float32
      return stored == .float64 ? .float32 : stored
    case .gguf(let model):
      return model.isQuantised ? .bfloat16 : ElementType(rawValue: base.summary.storedType) ?? .float32
    }
  }

  private func writeConfiguration(to folder: String) throws {
    let generation = "/" + ModelFolder.generationFile
    switch base {
    case .huggingFace(let source):
      // A tied head that the files contradict is written as what it is.
      let isWronglyTied =
        !source.configuration.head.isTied && source.configurationJSON["tie_word_embeddings"]?.bool == true
      if elementType != nil || isWronglyTied || expansion != nil {
        var json = source.configurationJSON
        if let expansion { json = json.expanded(expansion) }
        if let elementType { json = json.withElementType(elementType) }
        if isWronglyTied { json = json.untied }
        try writeFile(json.text(.pretty) + "\n", to: folder + "/config.json")
      } else {
        try writeFile(readBytes(source.configurationPath), to: folder + "/config.json")
      }
      if let file = source.files[ModelFolder.generationFile] { try writeFile(readBytes(file), to: folder + generation) }
    case .gguf:
      let type = type(of: base.configuration.name(of: .embedding))
      let specialTokens = namedTokenizer?.specialTokens ?? SpecialTokens()
      let json = configuration.huggingFaceJSON(elementType: type, specialTokens: specialTokens)
      try writeFile(json.text(.pretty) + "\n", to: folder + "/config.json")
      try writeFile(generationJSON.text(.pretty) + "\n", to: folder + generation)
    }
  }

  /// The tokenizer whose special tokens the configuration names: the one given, else that of a GGUF base.
  private var namedTokenizer: Tokenizer? {
    guard tokenizer == nil, case .gguf(let model) = base else { return tokenizer }
    return try? Tokenizer.load(gguf: model.file)
  }

  /// Where generation starts and ends, for a base that does not say it in a file of its own.
  private var generationJSON: JSON {
    var members: [(key: String, value: JSON)] = []
    if let bos = namedTokenizer?.specialTokens.bos { members.append(("bos_token_id", JSON(Int(bos.id)))) }
    let ends = (namedTokenizer?.endOfTurnIDs ?? []).map { JSON(Int($0)) }
    if !ends.isEmpty { members.append(("eos_token_id", ends.count == 1 ? ends[0] : .array(ends))) }
    if let pad = namedTokenizer?.specialTokens.pad { members.append(("pad_token_id", JSON(Int(pad.id)))) }
    return JSON(members)
  }

  private func writeTensors(
    _ tensors: [SafetensorsWriter.Declaration], _ weights: any WeightSource, to folder: String
  ) throws {
    let shards = shards(of: tensors)
    var map: [(key: String, value: JSON)] = []
    var total = 0
    for (number, shard) in shards.enumerated() {
      let name = shards.count == 1 ? "model.safetensors" : Self.shardName(number + 1, of: shards.count)
      let writer = try SafetensorsWriter(path: folder + "/" + name, tensors: shard)
      for tensor in shard {
        let values = try weights.tensor(named: tensor.name, shape: tensor.shape)
        try writer.write(tensor.name, floats: UnsafeBufferPointer(values.buffer))
        map.append((tensor.name, JSON(name)))
        total += tensor.count * tensor.type.size
      }
      try writer.finish()
    }
    guard shards.count > 1 else { return }
    let index: JSON = [
      "metadata": ["total_parameters": JSON(tensors.reduce(0) { $0 + $1.count }), "total_size": JSON(total)],
      "weight_map": JSON(map),
    ]
    let layout = JSONLayout(indent: 2, keySeparator: ": ", sortedKeys: true)
    try writeFile(index.text(layout) + "\n", to: folder + "/model.safetensors.index.json")
  }

  /// Neighbours together until the next one would go above the size.
  private func shards(of tensors: [SafetensorsWriter.Declaration]) -> [[SafetensorsWriter.Declaration]] {
    var shards: [[SafetensorsWriter.Declaration]] = []
    var size = 0
    for tensor in tensors {
      let bytes = tensor.count * tensor.type.size
      if shards.isEmpty || size + bytes > shardSize {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(tensor)
      size += bytes
    }
    return shards
  }

  private static func shardName(_ number: Int, of count: Int) -> String {
    func five(_ number: Int) -> String {
      String(repeating: "0", count: max(0, 5 - "\(number)".utf8.count)) + "\(number)"
    }
    return "model-\(five(number))-of-\(five(count)).safetensors"
  }

  /// Opens what was written and compares it with what was meant, bit by bit after rounding.
  private func verify(
    _ tensors: [SafetensorsWriter.Declaration], _ weights: any WeightSource, in folder: String
  ) throws {
    let written = try HuggingFaceFolder(ModelFolder.files(at: folder))
    guard written.configuration == configuration else {
      throw ModelFolderError(folder, .differsAfterWriting("the configuration"))
    }
    for tensor in tensors {
      let meant = try weights.tensor(named: tensor.name, shape: tensor.shape)
      let found = try written.weights.tensor(named: tensor.name, shape: tensor.shape)
      guard written.weights.entry(tensor.name)?.type == tensor.type, found.hasSameBits(as: meant, rounded: tensor.type)
      else { throw ModelFolderError(folder, .differsAfterWriting("tensor `\(tensor.name)`")) }
    }
  }
}

extension Tensor {
  /// Whether these are the bits of `other` after it was rounded to a stored type.
  func hasSameBits(as other: Tensor, rounded type: ElementType) -> Bool {
    guard shape == other.shape else { return false }
    return (0..<count).allSatisfy { index in
      let value = other.pointer[index]
      let rounded =
        switch type {
        case .bfloat16: float(bfloat16: bfloat16Bits(value))
        case .float16: float(float16: Float16(value).bitPattern)
        default: value
        }
      return pointer[index].bitPattern == rounded.bitPattern
    }
  }
}
