import Diagnostics
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Training

/// What a reference model gives to the answers of a set of pairs: parts of their own in the store, computed once.
///
/// A part covers ``rowsAPart`` rows of one shard and is keyed by the reference's digest, the shard's digest and the
/// arithmetic, and by nothing of the node that asks. So sweeps over β and learning rate share them, what `train` computed
/// serves `evaluate`, appended pairs leave the others', and a computation that was killed goes on at the part it was in.
struct ReferenceScores {
  /// Raised when the same tokens and the same reference give other scores than before.
  static let part = Part.recipe("reference-scores", version: 1)

  /// Rows whose scores are published together.
  static let rowsAPart = 64

  /// The model artefact that is the reference.
  let reference: ModelArtefact
  let context: NodeContext

  /// The scores of all rows of the tokens at a port, in their order.
  ///
  /// The reference is read only when a part has to be made.
  func scores(of data: ArtefactView, what: String, tailWeight: Double = 1) throws -> [PairLogProbabilities] {
    let set = try TokenSet(data)
    lazy var model = Result { try reference.model(longest: set.longest) }
    var scores: [PairLogProbabilities] = []
    // Named only where they are not what they always were.
    var more: [(name: String, value: CanonicalValue)] = []
    if tailWeight != 1 { more.append(("tail_weight", .number(tailWeight))) }
    if reference.heldWeights != .auto { more.append(("weights", .text(reference.heldWeights.rawValue))) }
    var made = 0
    for (shard, name) in set.shards.enumerated() {
      let digest = try data.member(name.member).blob.digest
      for start in stride(from: 0, to: name.rows, by: Self.rowsAPart) {
        try context.checkCancellation()
        let rows = start..<min(name.rows, start + Self.rowsAPart)
        let part = try context.memo(
          Self.part,
          reads: [
            ("reference", .digest(reference.view.digest)), ("pairs", .digest(digest)), ("first", .integer(start)),
            ("compute", .text(reference.computeClass.rawValue)),
          ] + more,
          type: ArtefactType("reference_scores")
        ) { builder in
          made += rows.count
          let first = set.starts[shard]
          let pairs = try rows.map { try set.row(first + $0) }
          let found = try pairLogProbabilities(
            of: pairs, first: first + start, model: model.get(), tailWeight: tailWeight)
          try builder.write(found.map { $0.json.text() + "\n" }.joined(), to: Self.member)
        }
        scores += try read(part, count: rows.count)
        context.progress(ProgressUpdate(step: scores.count, total: set.count, unit: "reference pairs"))
      }
    }
    context.log("reference log-probabilities of \(scores.count) \(what): \(made) computed, the others were known")
    return scores
  }

  private static let member = "scores.jsonl"

  private func read(_ part: ArtefactView, count: Int) throws -> [PairLogProbabilities] {
    let path = try part.path(of: Self.member)
    let scores = try textOf(path).split(separator: "\n").map { line in
      guard let pair = PairLogProbabilities(json: try JSON(parsing: String(line), file: path)) else {
        throw ReferenceScoresError.damaged(file: path)
      }
      return pair
    }
    guard scores.count == count else { throw ReferenceScoresError.damaged(file: path) }
    return scores
  }
}

extension PairLogProbabilities {
  fileprivate var json: JSON { ["chosen": JSON(chosen), "rejected": JSON(rejected)] }

  fileprivate init?(json: JSON) {
    guard let chosen = json["chosen"]?.double, let rejected = json["rejected"]?.double else { return nil }
    self.init(chosen: chosen, rejected: rejected)
  }
}

/// A part with reference scores that does not hold what it should.
enum ReferenceScoresError: Error, Sendable {
  case damaged(file: String)
}

extension ReferenceScoresError: DiagnosticError {
  var diagnostics: [Diagnostic] {
    switch self {
    case .damaged(let file):
      [Diagnostic(code: "reference-scores", "The reference's log-probabilities are damaged", at: Place(file: file))]
    }
  }
}
