import PreciseJSON

/// Whether a model has a row of its embedding for every token of its tokenizer.
package struct VocabularyFit: SanityCheck {
  package static let name = "vocabulary"

  package var tokens: Int
  package var embedding: Int

  package init(tokens: Int, embedding: Int) {
    self.tokens = tokens
    self.embedding = embedding
  }

  package var verdict: SanityVerdict { tokens <= embedding ? .fine : .error }

  package var evidence: [(key: String, value: JSON)] {
    [("tokens", JSON(tokens)), ("embedding", JSON(embedding))]
  }
}

/// Whether an exported folder says how to talk to the model and where its answers end.
package struct ChatSettings: SanityCheck {
  package static let name = "chat_settings"

  package var hasTemplate: Bool
  /// The ids at which the answers ended that the model learned from; none where that is not known.
  package var trainedStops: [Int]
  /// The ids at which the tokenizer says that turns end.
  package var tokenizerStops: [Int]
  /// The ids at which the model's configuration says that generation ends; nil where it is another program's business,
  /// as beside an adapter.
  package var modelStops: [Int]?

  package init(hasTemplate: Bool, trainedStops: [Int], tokenizerStops: [Int], modelStops: [Int]?) {
    self.hasTemplate = hasTemplate
    self.trainedStops = trainedStops
    self.tokenizerStops = tokenizerStops
    self.modelStops = modelStops
  }

  package var hasStops: Bool {
    guard let modelStops else { return !tokenizerStops.isEmpty }
    return !tokenizerStops.isEmpty && !Set(modelStops).isDisjoint(with: tokenizerStops)
      && Set(modelStops).isSuperset(of: trainedStops)
  }

  package var verdict: SanityVerdict { hasTemplate && hasStops ? .fine : .warning }

  package var evidence: [(key: String, value: JSON)] {
    [
      ("chat_template", JSON(hasTemplate)), ("trained_stops", .array(trainedStops.map { JSON($0) })),
      ("tokenizer_stops", .array(tokenizerStops.map { JSON($0) })),
      ("model_stops", modelStops.map { .array($0.map { JSON($0) }) } ?? .null),
    ]
  }

  /// The ids of `eos_token_id` in a `generation_config.json` or `config.json`: one, several or none.
  static func stops(_ json: JSON?) -> [Int] {
    let value = json?["eos_token_id"]
    return value?.int.map { [$0] } ?? (value?.array ?? []).compactMap(\.int)
  }
}
