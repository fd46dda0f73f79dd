import Training

/// Whether a completion is neither too short nor too long.
package struct LengthReward: RewardKind, SampleReward, Hashable {
  package static let name = "length"
  package static let doc = "gives 1 to lengths in a range and 0 to others"

  /// What is counted.
  package enum Unit: String, CaseIterable, Sendable {
    /// With the end token.
    case tokens
    /// What white space separates.
    case words
    case characters
  }

  package var minimum = 0
  package var maximum: Int?
  package var unit = Unit.tokens

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("minimum", \.minimum, .atLeast(0), doc: "The shortest length that is right"),
    .count("maximum", \.maximum, .atLeast(0), doc: "The longest; any unless given"),
    .choice("unit", \.unit, doc: "What is counted: tokens with the end token, words between white space, characters"),
  ]

  package var problem: String? {
    guard let maximum else { return minimum == 0 ? "neither `minimum` nor `maximum` says what is right" : nil }
    return maximum < minimum ? "`maximum` is \(maximum), below `minimum`, \(minimum)" : nil
  }

  package func reward(of sample: RewardSample) -> Double? {
    let length =
      switch unit {
      case .tokens: sample.ids.count
      case .words: sample.completion.unicodeScalars.split { $0.properties.isWhitespace }.count
      case .characters: sample.completion.count
      }
    return length >= minimum && length <= maximum ?? .max ? 1 : 0
  }
}
