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
    ModelSummary(
      format: format, family: configuration.family.name, vocabularySize: configuration.vocabularySize,
      hiddenSize: configuration.hiddenSize, layerCount: configuration.blocks.count,
      maximumPositions: configuration.maximumPositions, storedType: storedElements.first?.type ?? "none",
      parameterCount: configuration.parameterCount, tiesHead: configuration.head.isTied)
  }

  /// The types that the files store tensors in, those of the most numbers first, of equals the first by name.
  ///
  /// - Returns: With how many tensors have each.
  package var storedElements: [(type: String, tensors: Int)] {
    let all: [(type: String, count: Int)] =
      switch self {
      case .huggingFace(let folder):
        folder.weights.files.flatMap { $0.entries.map { ($0.type.rawValue, $0.count) } }
      case .gguf(let model): model.file.entries.map { ($0.type.name, $0.count) }
      }
    let sums = Dictionary(all.map { ($0.type, (1, $0.count)) }) { ($0.0 + $1.0, $0.1 + $1.1) }
    return sums.sorted { ($1.value.1, $0.key) < ($0.value.1, $1.key) }.map { ($0.key, $0.value.0) }
  }

  private var format: ModelSummary.Format {
    switch self {
    case .huggingFace: .huggingFace
    case .gguf: .gguf
    }
  }
}
