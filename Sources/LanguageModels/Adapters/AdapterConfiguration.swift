/// Low-rank adapters (LoRA, arXiv:2106.09685) as PEFT describes them: W + scale · B·A on the targeted linear maps.
package struct AdapterConfiguration: Sendable, Hashable {
  /// R, the inner dimension of B·A.
  package var rank: Int
  /// Numerator of the scale; 2 · rank unless told otherwise.
  package var alpha: Float
  /// The probability that an input element of the adapter is dropped while training.
  package var dropout: Float
  /// The linear maps of every block that has them, by their short names, such as `q_proj`.
  package var targets: Set<String>
  /// Divides alpha by √rank instead of the rank (arXiv:2312.03732).
  package var usesRSLoRA: Bool

  package init(
    rank: Int, alpha: Float? = nil, dropout: Float = 0, targets: Set<String>, usesRSLoRA: Bool = false
  ) {
    self.rank = rank
    self.alpha = alpha ?? Float(2 * rank)
    self.dropout = dropout
    self.targets = targets
    self.usesRSLoRA = usesRSLoRA
  }

  /// Whether a map is among the targets: by its short name, or by more of the parts that its name ends with.
  package func adapts(_ map: LinearConfiguration) -> Bool {
    targets.contains { map.name == $0 || map.name.hasSuffix("." + $0) }
  }

  /// What B·A is multiplied by.
  package var scale: Float {
    usesRSLoRA ? Float(Double(alpha) / Double(rank).squareRoot()) : Float(Double(alpha) / Double(rank))
  }

  /// - Throws: ``AdapterError`` for numbers that no adapter has.
  package func validate() throws(AdapterError) {
    guard !targets.isEmpty else { throw .noTargets }
    guard rank >= 1 else { throw .rank(rank) }
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
    guard alpha.isFinite else { throw .alpha(alpha) }
  }
}

extension ModelConfiguration {
  /// The linear maps that a list of names means: `all_linear` (or PEFT's `all-linear`), short names, or names in a block.
  ///
  /// - Throws: ``AdapterError/unknownTarget(_:known:)`` for a name that no linear map has, ``AdapterError/noTargets`` for
  ///   an empty list.
  package func targets(named names: [String]) throws(AdapterError) -> Set<String> {
    let maps = maps
    var targets: Set<String> = []
    for name in names {
      if name == "all_linear" || name == "all-linear" {
        targets.formUnion(maps.map(\.shortName))
      } else if let map = maps.first(where: { $0.shortName == name || $0.name == name }) {
        targets.insert(map.shortName)
      } else {
        throw .unknownTarget(name, known: maps.map(\.shortName))
      }
    }
    guard !targets.isEmpty else { throw .noTargets }
    return targets
  }
}
