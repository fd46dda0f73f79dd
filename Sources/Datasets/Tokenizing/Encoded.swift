import ChatTemplates
import PreciseJSON
import TokenShards
import Tokenization

/// A rendered record with every piece as token ids.
enum Encoded: Sendable {
  typealias Piece = (ids: [Int32], isTrained: Bool)

  case sample([Piece])
  /// A prompt with its answers: the two of a pair, or one that was judged.
  case answered(prompt: [Int32], answers: [Answer], margin: Float = 0)
  /// A prompt, and the JSON text of the columns that travel with it.
  case prompt([Int32], columns: String? = nil)

  /// The tokens of one answer, each with whether it is trained: what tools say in between is not.
  struct Answer: Sendable {
    var role: TokenSequence.Role
    var ids: [Int32]
    var lossMask: [Bool]

    init(_ role: TokenSequence.Role, _ pieces: [Piece]) {
      self.role = role
      ids = pieces.flatMap(\.ids)
      lossMask = pieces.flatMap { [Bool](repeating: $0.isTrained, count: $0.ids.count) }
    }

    func prefix(_ count: Int) -> Answer {
      var copy = self
      (copy.ids, copy.lossMask) = (Array(ids.prefix(count)), Array(lossMask.prefix(count)))
      return copy
    }
  }

  /// - Parameter encode: Gives the ids of a piece after what its context says, and changes that to what follows.
  init(_ record: RenderedRecord, encode: (String, inout TextContext) throws -> [Int32]) throws {
    var context = TextContext()
    switch record {
    case .sample(let pieces): self = .sample(try pieces.map { (try encode($0.text, &context), $0.isTrained) })
    case .pair(let prompt, let chosen, let rejected, let margin):
      self = .answered(
        prompt: try ids(of: prompt), answers: [try answer(.chosen, chosen), try answer(.rejected, rejected)],
        margin: Float(margin))
    case .judged(let prompt, let pieces, let isWanted):
      self = .answered(prompt: try ids(of: prompt), answers: [try answer(isWanted ? .wanted : .unwanted, pieces)])
    case .prompt(let pieces, let columns): self = .prompt(try ids(of: pieces), columns: columns?.text())
    }
    func ids(of pieces: [TextPiece]) throws -> [Int32] { try pieces.flatMap { try encode($0.text, &context) } }
    func answer(_ role: TokenSequence.Role, _ pieces: [TextPiece]) throws -> Answer {
      var context = context
      return Answer(role, try pieces.map { (try encode($0.text, &context), $0.isTrained) })
    }
  }

  /// Tokens of the record, or of the longer sequence of a pair.
  var count: Int {
    switch self {
    case .sample(let pieces): pieces.reduce(0) { $0 + $1.ids.count }
    case .answered(let prompt, let answers, _): prompt.count + (answers.map(\.ids.count).max() ?? 0)
    case .prompt(let ids, _): ids.count
    }
  }

  /// Whether this is a pair of answers that the model cannot tell apart.
  var hasEqualAnswers: Bool {
    guard case .answered(_, let answers, _) = self, answers.count == 2 else { return false }
    return answers[0].ids == answers[1].ids && answers[0].lossMask == answers[1].lossMask
  }

  /// Whether nothing of it can be left out.
  var isPrompt: Bool { if case .prompt = self { true } else { false } }

  var row: TokenRow {
    switch self {
    case .sample(let pieces): Self.sampleRow(pieces)
    case .answered(let prompt, let answers, let margin): Self.row(prompt, answers, margin)
    case .prompt(let ids, let columns):
      TokenRow(
        [TokenSequence(role: .prompt, ids: ids, lossMask: [Bool](repeating: false, count: ids.count))],
        columns: columns)
    }
  }

  /// The row cut to `room` tokens by LLaMA-Factory's rules.
  ///
  /// A conversation is cut turn by turn (an untrained piece and the trained one after it), each by ``turnBudget`` with
  /// the room that the turns before it left; when none is left, the remaining turns are dropped. A prompt with answers is
  /// cut against the longer of them, and a prompt alone stays whole.
  func truncated(to room: Int, _ report: inout TokenizeReport) -> TokenRow {
    report.truncatedRecords += 1
    let row: TokenRow
    switch self {
    case .sample(let pieces):
      var kept: [Piece] = []
      var left = room
      var turns = Self.turns(pieces)[...]
      while left > 0, let turn = turns.popFirst() {
        let budget = turnBudget(source: turn.source.count, target: turn.target.count, room: left)
        kept.append((Array(turn.source.prefix(budget.source)), false))
        kept.append((Array(turn.target.prefix(budget.target)), true))
        left -= budget.source + budget.target
      }
      report.droppedTurns += turns.count
      row = Self.sampleRow(kept)
    case .answered(let prompt, let answers, let margin):
      let budget = turnBudget(source: prompt.count, target: count - prompt.count, room: room)
      row = Self.row(Array(prompt.prefix(budget.source)), answers.map { $0.prefix(budget.target) }, margin)
    case .prompt: row = self.row
    }
    report.truncatedTokens += self.row.tokenCount - row.tokenCount
    return row
  }

  /// Neighbouring pieces joined to turns of what is not trained and what is.
  private static func turns(_ pieces: [Piece]) -> [(source: [Int32], target: [Int32])] {
    var turns: [(source: [Int32], target: [Int32])] = []
    for piece in pieces {
      if piece.isTrained, let last = turns.indices.last {
        turns[last].target += piece.ids
      } else if piece.isTrained {
        turns.append(([], piece.ids))
      } else if let last = turns.indices.last, turns[last].target.isEmpty {
        turns[last].source += piece.ids
      } else {
        turns.append((piece.ids, []))
      }
    }
    return turns
  }

  private static func sampleRow(_ pieces: [Piece]) -> TokenRow {
    let ids = pieces.flatMap(\.ids)
    let lossMask = pieces.flatMap { [Bool](repeating: $0.isTrained, count: $0.ids.count) }
    return TokenRow(ids.isEmpty ? [] : [TokenSequence(ids: ids, lossMask: lossMask)])
  }

  private static func row(_ prompt: [Int32], _ answers: [Answer], _ margin: Float) -> TokenRow {
    let sequences = answers.map { answer in
      TokenSequence(
        role: answer.role, ids: prompt + answer.ids,
        lossMask: [Bool](repeating: false, count: prompt.count) + answer.lossMask)
    }
    return TokenRow(sequences, margin: margin)
  }
}
