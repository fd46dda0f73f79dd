import Diagnostics
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Training

/// What a reference model gives to the answers of a set of rows: parts of their own in the store, computed once.
///
/// A part covers ``rowsAPart`` rows of one shard and is keyed by the reference's digest, the rows' digest and the
/// arithmetic, and by nothing of the node that asks. So sweeps over β and learning rate share them, what `train` computed
/// serves `evaluate`, appended rows leave the others', and a computation that was killed goes on at the part it was in.
struct ReferenceScores {
  /// Raised when the same tokens and the same reference give other scores than before.
  static let part = Part.recipe("reference-scores", version: 1)
  /// The same of answers that are judged by themselves.
  static let answers = Part.recipe("reference-answers", version: 1)

  /// The likeliest tokens at labels.
  static let likeliest = Part.recipe("likeliest-tokens", version: 1)

  static let parts = [part, answers, likeliest]

  /// Rows whose scores are published together.
  static let rowsAPart = 64

  /// The model artefact that is the reference.
  let reference: ModelArtefact
  let context: NodeContext

  /// The scores of all pairs of a token set, in their order.
  ///
  /// The reference is read only when a part has to be made.
  func scores(of data: ArtefactView, what: String, tailWeight: Double = 1) throws -> [PairLogProbabilities] {
    let set = try TokenSet(data)
    lazy var model = Result { try reference.model(longest: set.longest) }
    // Named only where it is not what it always was.
    let tail: [Read] = tailWeight == 1 ? [] : [("tail_weight", .number(tailWeight))]
    return try inParts(
      Self.part, of: data, set, what: what, unit: "reference pairs",
      reads: { [("pairs", .digest($0.shard)), ("first", .integer($0.firstOfShard))] }, more: tail,
      compute: { rows in
        try pairLogProbabilities(
          of: rows.map { try set.row($0) }, numbers: Array(rows), model: model.get(), tailWeight: tailWeight)
      })
  }

  /// The scores of answers that are judged by themselves, and of the mismatched ones where they are wanted.
  ///
  /// Mismatched answers are made of two rows: their parts belong to the whole set.
  func judged(of data: ArtefactView, what: String, withMismatched: Bool) throws -> JudgedStage.Reference {
    let set = try TokenSet(data)
    lazy var model = Result { try reference.model(longest: set.longest) }
    func sums(_ rows: Range<Int>, _ sequence: (Int) throws -> TokenSequence?) throws -> [Double] {
      let sequences = try rows.map(sequence)
      var found = try answerLogProbabilities(
        of: sequences.compactMap { $0 }, first: rows.lowerBound, model: model.get())[...]
      return sequences.map { $0 == nil ? 0 : found.removeFirst() }
    }
    let answers = try inParts(
      Self.answers, of: data, set, what: what, unit: "reference answers",
      reads: { [("answers", .digest($0.shard)), ("first", .integer($0.firstOfShard))] },
      compute: { rows in try sums(rows) { try set.row($0).sequences.first } })
    guard withMismatched else { return JudgedStage.Reference(answers: answers, mismatched: []) }
    let mismatched = MismatchedAnswers(set.trainingRows, longest: set.longest)
    return JudgedStage.Reference(
      answers: answers,
      mismatched: try inParts(
        Self.answers, of: data, set, what: "mismatched \(what)", unit: "mismatched answers",
        reads: { [("mismatched", .digest(data.digest)), ("first", .integer($0.first))] },
        compute: { rows in try sums(rows, mismatched.sequence) }))
  }

  /// The likeliest tokens at the labels of all rows.
  ///
  /// - Parameters:
  ///   - count: Tokens a label.
  ///   - temperature: What logits are divided by.
  func likeliest(
    of data: ArtefactView, what: String, count: Int, temperature: Double
  ) throws -> [LikeliestLabels] {
    let set = try TokenSet(data)
    lazy var model = Result { try reference.model(longest: set.longest) }
    return try inParts(
      Self.likeliest, of: data, set, what: what, unit: "rows by the teacher",
      reads: { [("rows", .digest($0.shard)), ("first", .integer($0.firstOfShard))] },
      more: [("count", .integer(count)), ("temperature", .number(temperature))],
      compute: { rows in
        try likeliestLabels(
          of: rows.map { try set.row($0) }, teacher: model.get(), count: count, temperature: temperature)
      })
  }

  private typealias Read = (name: String, value: CanonicalValue)

  /// Where a part begins.
  private struct Place {
    /// The digest of the shard that its rows are in.
    var shard: Digest
    /// Its first row within the shard, and within the set.
    var firstOfShard: Int
    var first: Int
  }

  /// Scores of all rows, in their order, each part from the store where it is there.
  ///
  /// - Parameters:
  ///   - reads: What tells the rows of a part from others.
  ///   - more: What else scores depend on.
  private func inParts<Score: StoredScore>(
    _ recipe: Part, of data: ArtefactView, _ set: TokenSet, what: String, unit: String, reads: (Place) -> [Read],
    more: [Read] = [], compute: (Range<Int>) throws -> [Score]
  ) throws -> [Score] {
    let held: [Read] = reference.heldWeights == .auto ? [] : [("weights", .text(reference.heldWeights.rawValue))]
    var scores: [Score] = []
    var made = 0
    for (shard, name) in set.shards.enumerated() {
      let digest = try data.member(name.member).blob.digest
      for start in stride(from: 0, to: name.rows, by: Self.rowsAPart) {
        try context.checkCancellation()
        let first = set.starts[shard] + start
        let rows = first..<first + min(Self.rowsAPart, name.rows - start)
        let part = try context.memo(
          recipe,
          reads: [("reference", .digest(reference.view.digest))]
            + reads(Place(shard: digest, firstOfShard: start, first: first))
            + [("compute", .text(reference.computeClass.rawValue))] + more + held,
          type: ArtefactType("reference_scores")
        ) { builder in
          made += rows.count
          try builder.write(Score.bytes(of: compute(rows)), to: Score.member)
        }
        scores += try Score.read(part.path(of: Score.member), count: rows.count)
        context.progress(ProgressUpdate(step: scores.count, total: set.count, unit: unit))
      }
    }
    context.log("reference log-probabilities of \(scores.count) \(what): \(made) computed, the others were known")
    return scores
  }
}
