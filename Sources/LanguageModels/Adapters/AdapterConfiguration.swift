/// Low-rank adapters (LoRA, arXiv:2106.09685) as PEFT describes them: W + scale · B·A on the targeted linear maps.
package struct AdapterConfiguration: Sendable, Hashable {
  /// R, the inner dimension of B·A.
  package var rank: Int
  /// Numerator of the scale; 2 · rank unless told otherwise.
  package var alpha: Float
  /// The probability that an input element of the adapter is dropped while training.
  package var dropout: Float
  package var targets: Set<ProjectionKind>
  /// Divides alpha by √rank instead of the rank (arXiv:2312.03732).
  package var usesRSLoRA: Bool

  package init(
    rank: Int, alpha: Float? = nil, dropout: Float = 0, targets: Set<ProjectionKind> = Set(ProjectionKind.allCases),
    usesRSLoRA: Bool = false
  ) {
    self.rank = rank
    self.alpha = alpha ?? Float(2 * rank)
    self.dropout = dropout
    self.targets = targets
    self.usesRSLoRA = usesRSLoRA
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

  /// The targets as PEFT lists them, in the order of a block.
  package var targetNames: [String] {
    ProjectionKind.allCases.filter { targets.contains($0) }.map(\.shortName)
  }
}

extension Set<ProjectionKind> {
  /// The linear maps that a list of names means: `all_linear` (or PEFT's `all-linear`), or short module names.
  ///
  /// - Throws: ``AdapterError/unknownTarget(_:)`` for a name that no linear map has, ``AdapterError/noTargets`` for
  ///   an empty list.
  package static func targets(named names: [String]) throws(AdapterError) -> Set<ProjectionKind> {
    var targets: Set<ProjectionKind> = []
    for name in names {
      if name == "all_linear" || name == "all-linear" {
        targets.formUnion(ProjectionKind.allCases)
      } else if let kind = ProjectionKind.allCases.first(where: { $0.shortName == name || $0.moduleName == name }) {
        targets.insert(kind)
      } else {
        throw .unknownTarget(name)
      }
    }
    guard !targets.isEmpty else { throw .noTargets }
    return targets
  }
}
