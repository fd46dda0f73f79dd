import Pipeline
import PreciseJSON
import TokenShards
import Tokenization

/// Whether answers end with a token at which generation stops: what is not learned is not said.
package struct StopToken: SanityCheck {
  package static let name = "stop_token"
  /// Rows looked at, spread over the whole set.
  static let rowsLookedAt = 512
  /// The share of the answers below which a model learns to go on more than to stop.
  static let enough = 0.5

  package struct Token: Sendable, Hashable {
    package var id: Int32
    package var text: String

    package init(id: Int32, text: String) {
      self.id = id
      self.text = text
    }
  }

  /// What generation stops at.
  package var stops: [Token]
  package var answers: Int
  /// Answers among whose last two labels is a stop token; some templates learn a line break after it.
  package var ended: Int

  package init(stops: [Token], answers: Int, ended: Int) {
    self.stops = stops
    self.answers = answers
    self.ended = ended
  }

  /// Looks at the answers of a set: the chosen ones of pairs, all others.
  ///
  /// Nil for rows of plain text, which end where they end, for prompts, which have no answers, and where nobody says what the
  /// stop tokens are.
  /// - Throws: What reading rows throws.
  init?(_ tokens: ArtefactView, _ rows: TokenSet) throws {
    let stops = (tokens.details[Self.detail]?.array ?? []).compactMap(Token.init(json:))
    guard tokens.type[FacetName.kind]?.text != "text", !stops.isEmpty else { return nil }
    self.init(stops: stops, answers: 0, ended: 0)
    let ids = Set(stops.map(\.id))
    let count = min(rows.count, Self.rowsLookedAt)
    for index in 0..<count {
      // A row's number times the count stays far below what a whole number holds.
      for sequence in try rows.row(index * rows.count / count).sequences where sequence.role != .rejected {
        let labels = zip(sequence.ids, sequence.lossMask).dropFirst().filter { $0.1 }.map(\.0)
        guard !labels.isEmpty else { continue }
        answers += 1
        if labels.suffix(2).contains(where: ids.contains) { ended += 1 }
      }
    }
    guard answers > 0 else { return nil }
  }

  /// What generation stops at after rows of a set.
  static func ids(of tokens: ArtefactView) -> [Int32] {
    (tokens.details[detail]?.array ?? []).compactMap(Token.init(json:)).map(\.id)
  }

  package var share: Double { answers == 0 ? 1 : Double(ended) / Double(answers) }

  package var verdict: SanityVerdict { share < Self.enough ? .warning : .fine }

  package var evidence: [(key: String, value: JSON)] {
    [
      ("answers", JSON(answers)), ("ended", JSON(ended)), ("share", JSON(share)),
      ("stop_tokens", .array(stops.map(\.json))),
    ]
  }

  /// The detail of tokens that names the stop tokens of their tokenizer.
  static let detail = "stop_tokens"

  /// What ``detail`` holds for a tokenizer.
  ///
  /// - Throws: What decoding them throws.
  static func detail(of tokenizer: Tokenizer) throws -> JSON {
    .array(
      try tokenizer.endOfTurnIDs.map { id in
        Token(id: id, text: try tokenizer.decode([id], skipsSpecialTokens: false)).json
      })
  }
}

extension StopToken.Token {
  fileprivate var json: JSON { ["id": JSON(Int(id)), "text": JSON(text)] }

  fileprivate init?(json: JSON) {
    guard let id = json["id"]?.int.flatMap({ Int32(exactly: $0) }), let text = json["text"]?.string else { return nil }
    self.init(id: id, text: text)
  }
}
