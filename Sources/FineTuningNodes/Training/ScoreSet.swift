import Pipeline
import PreciseJSON
import Training

/// What of another model is known about rows: what an artefact of a node of type `score` holds.
enum ScoreKind: String, FieldChoice {
  case pairs
  case answers
  case likeliest

  /// The rows it is asked of.
  var rows: RowShape {
    switch self {
    case .pairs: .pairs
    case .answers: .judged
    case .likeliest: .texts
    }
  }
}

/// The scores that a stage takes, in place of the model that gives them.
package struct WantedScores {
  var port: String
  var kind: ScoreKind
  /// The fields of `score` that decide them, with their values.
  var settings: [(field: String, value: String)]

  /// More likely tokens than a model has.
  ///
  /// - Parameter model: The port of the model that is asked.
  static func conflicts(_ count: Int, at model: String, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard let vocabulary = inputs[model]?.type[FacetName.vocabulary]?.integer, count > vocabulary else { return [] }
    return [
      .init(
        port: "top_k", "`top_k` is \(count), the model at `\(model)` has \(vocabulary) tokens",
        advice: "give at most \(vocabulary), or fewer: 16 hold nearly all there is")
    ]
  }

  /// What keeps what is connected from being taken.
  func conflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    guard let source = inputs[port], source.type.name == ArtefactName.scores else { return [] }
    if let found = source.type[FacetName.scores]?.text, found != kind.rawValue {
      return [
        .init(
          port: port, "The scores of `\(source.node)` are of \(found), those of \(kind.rawValue) are wanted",
          advice: "say `of: \(kind.rawValue)` there")
      ]
    }
    return settings.compactMap { field, value in
      guard let theirs = source.type["\(FacetName.scores).\(field)"]?.text, theirs != value else { return nil }
      return .init(
        port: port, "The scores of `\(source.node)` were made with `\(field): \(theirs)`, wanted are \(value)",
        advice: "give both nodes the same `\(field)`")
    }
  }
}

/// Scores at an input port: a folder for each set of rows, named by its digest.
struct ScoreSet {
  let view: ArtefactView
  let port: String

  /// The file of answers behind other prompts.
  static let mismatched = "mismatched.jsonl"
  /// What the details call the digest of the model that was asked.
  static let model = "model"

  static func folder(of data: ArtefactView) -> String { data.digest.hex }

  /// - Parameter name: The file; that of the kind of score unless given.
  func read<Score: StoredScore>(
    _ name: String = Score.member, of data: ArtefactView, what: String
  ) throws -> [Score] {
    let member = "\(Self.folder(of: data))/\(name)"
    guard view.contains(member) else { throw ReferenceScoresError.otherRows(port: port, rows: what) }
    return try Score.read(view.path(of: member), count: TokenSet(data).count)
  }

  /// Whether a model is the one that was asked.
  func isOf(_ model: ArtefactView) -> Bool { view.details[Self.model]?.string == model.digest.hex }
}
