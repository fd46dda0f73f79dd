import PreciseJSON

/// A rank and a scale, others for some maps: what several methods have.
struct RankAndAlpha {
  let rank: Int
  let alpha: Float
  let rankPattern: [ModulePattern<Int>]
  let alphaPattern: [ModulePattern<Float>]

  init(_ rank: Int, _ alpha: Float, _ rankPattern: [ModulePattern<Int>], _ alphaPattern: [ModulePattern<Float>]) {
    self.rank = rank
    self.alpha = alpha
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
  }

  /// - Throws: ``AdapterError`` for numbers that no adapter has.
  func validate() throws(AdapterError) {
    for rank in [rank] + rankPattern.map(\.value) where rank < 1 { throw .rank(rank) }
    for alpha in [alpha] + alphaPattern.map(\.value) where !alpha.isFinite { throw .alpha(alpha) }
    for text in rankPattern.map(\.pattern) + alphaPattern.map(\.pattern) where !ModuleNames.isPattern(text) {
      throw .pattern(text)
    }
  }

  /// The rank of a map, and alpha / rank.
  func numbers(_ map: AdaptedMap) -> (rank: Int, scale: Float) {
    let rank = rankPattern.value(for: map.module) ?? rank
    return (rank, Float(Double(alphaPattern.value(for: map.module) ?? alpha) / Double(rank)))
  }

  var facts: [(key: String, value: JSON)] {
    [("rank", JSON(rank)), ("alpha", JSON(Double(alpha)))] + patternFacts
  }

  var patternFacts: [(key: String, value: JSON)] {
    var facts: [(key: String, value: JSON)] = []
    if !rankPattern.isEmpty { facts.append(("rank_pattern", JSON(rankPattern.map { ($0.pattern, JSON($0.value)) }))) }
    if !alphaPattern.isEmpty {
      facts.append(("alpha_pattern", JSON(alphaPattern.map { ($0.pattern, JSON(Double($0.value))) })))
    }
    return facts
  }
}
