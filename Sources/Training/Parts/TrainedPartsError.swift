import Diagnostics

/// What can be wrong with a choice of what is trained; worded below.
package enum TrainedPartsError: Error, Sendable, Hashable {
  /// There is nothing left to train.
  case nothing
  /// Nothing is left out.
  case everything
  /// More blocks than the model has.
  case blocks(field: String, Int, of: Int)
  /// A field's name that nothing in the model has.
  case unknown(field: String, String, known: [String])
  /// No regular expression.
  case notAPattern(String)
  /// A regular expression that is found in no name.
  case noMatch(String, known: [String])
  /// The model has no blocks that were inserted.
  case noNewBlocks
  /// Blocks that do not lie at equal distances.
  case uneven(inserted: Int, blocks: Int)
}

extension TrainedPartsError {
  /// The member of `trainable` that is at fault; nil where it is all of them.
  package var field: String? {
    switch self {
    case .nothing, .everything: nil
    case .blocks(let field, _, _), .unknown(let field, _, _): field
    case .notAPattern, .noMatch: "match"
    case .noNewBlocks, .uneven: "inserted"
    }
  }
}

extension TrainedPartsError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, reason, advice) = words
    return [
      Diagnostic(
        code: "trained-parts", summary, path: (["trainable"] + [field].compactMap { $0 }).joined(separator: "."),
        reason: reason, advice: advice)
    ]
  }

  private var words: (summary: String, reason: String?, advice: String?) {
    switch self {
    case .nothing: ("`trainable` leaves nothing to train", nil, "take in more of the model")
    case .everything:
      ("`trainable` has no effect: all of the model would be trained", nil, "leave it out, or take in less")
    case .blocks(let field, let count, let blocks):
      ("`\(field)` is \(count), but the model has \(blocks) blocks", nil, "say a number below \(blocks)")
    case .unknown(let field, let name, let known):
      (
        "`\(field)` names `\(name)`, which is no module of the model", nil,
        nearestName(to: name, among: known).map { "Did you mean `\($0)`?" } ?? "there are \(Self.list(known))"
      )
    case .notAPattern(let pattern): ("`\(pattern)` is no regular expression", nil, nil)
    case .noMatch(let pattern, let known):
      (
        "`\(pattern)` is found in the name of no tensor", nil,
        "there are \(Self.list(known)); N stands for the number of a block"
      )
    case .noNewBlocks:
      (
        "The model has no new blocks", "none were inserted by a node of type `expand_model` before",
        "put one before, or say with `inserted` how many another program inserted"
      )
    case .uneven(let inserted, let blocks):
      (
        "\(inserted) inserted blocks do not lie at equal distances among \(blocks)",
        "LLaMA-Pro inserts one after each stretch of the same length", "say a number that divides \(blocks)"
      )
    }
  }

  private static func list(_ names: [String]) -> String {
    let told = names.prefix(16).map { "`\($0)`" }.joined(separator: ", ")
    return names.count > 16 ? told + " and \(names.count - 16) more" : told
  }
}
