import LanguageModels
import PreciseJSON
import TensorFiles

/// The facts about a model that a plan needs, read without touching tensor data.
package struct ModelSummary: Sendable, Hashable {
  package enum Format: String, Sendable {
    case huggingFace = "hugging_face"
    case gguf
  }

  package var format: Format
  /// The family's name, such as `llama`.
  package var family: String
  package var vocabularySize: Int
  package var hiddenSize: Int
  package var layerCount: Int
  /// The longest sequence that the model was made for, in tokens.
  package var maximumPositions: Int
  /// The element type that holds most of the numbers, such as `BF16` or `Q4_1`.
  package var storedType: String
  package var parameterCount: Int
  package var tiesHead: Bool

  package init(
    format: Format, family: String, vocabularySize: Int, hiddenSize: Int, layerCount: Int, maximumPositions: Int,
    storedType: String, parameterCount: Int, tiesHead: Bool
  ) {
    self.format = format
    self.family = family
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.maximumPositions = maximumPositions
    self.storedType = storedType
    self.parameterCount = parameterCount
    self.tiesHead = tiesHead
  }

  package var json: JSON {
    [
      "format": JSON(format.rawValue), "family": JSON(family), "vocabulary_size": JSON(vocabularySize),
      "hidden_size": JSON(hiddenSize), "layers": JSON(layerCount), "maximum_positions": JSON(maximumPositions),
      "stored_type": JSON(storedType), "parameters": JSON(parameterCount), "tied_head": JSON(tiesHead),
    ]
  }
}

extension ModelFolder {
  package var summary: ModelSummary {
    let format: ModelSummary.Format
    let types: [(String, Int)]
    switch self {
    case .huggingFace(let folder):
      format = .huggingFace
      types = folder.weights.files.flatMap { $0.entries.map { ($0.type.rawValue, $0.count) } }
    case .gguf(let model):
      format = .gguf
      types = model.file.entries.map { ($0.type.name, $0.count) }
    }
    return ModelSummary(
      format: format, family: configuration.family.name, vocabularySize: configuration.vocabularySize,
      hiddenSize: configuration.hiddenSize, layerCount: configuration.blocks.count,
      maximumPositions: configuration.maximumPositions, storedType: mostFrequent(types) ?? "none",
      parameterCount: configuration.parameterCount, tiesHead: configuration.head.isTied)
  }
}

/// The name whose counts add up to most; of equals the first by name.
private func mostFrequent(_ counts: [(String, Int)]) -> String? {
  let sums = Dictionary(counts, uniquingKeysWith: +)
  return sums.sorted { $0.key < $1.key }.max { $0.value < $1.value }?.key
}
