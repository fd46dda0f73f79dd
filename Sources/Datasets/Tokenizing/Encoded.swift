import ChatTemplates
import TokenShards
import Tokenization

/// A rendered record with every piece as token ids.
enum Encoded: Sendable {
  typealias Piece = (ids: [Int32], isTrained: Bool)

  case sample([Piece])
  case pair(prompt: [Int32], chosen: Answer, rejected: Answer)

  /// The tokens of one answer of a pair, each with whether it is trained: what tools say in between is not.
  struct Answer: Sendable, Equatable {
    var ids: [Int32]
    var lossMask: [Bool]

    init(_ pieces: [Piece]) {
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
    case .pair(let prompt, let chosen, let rejected):
      let prompt = try prompt.flatMap { try encode($0.text, &context) }
      func answer(_ pieces: [TextPiece]) throws -> Answer {
        var context = context
        return Answer(try pieces.map { (try encode($0.text, &context), $0.isTrained) })
      }
      self = .pair(prompt: prompt, chosen: try answer(chosen), rejected: try answer(rejected))
    }
  }

  /// Tokens of the record, or of the longer sequence of a pair.
  var count: Int {
    switch self {
    case .sample(let pieces): pieces.reduce(0) { $0 + $1.ids.count }
    case .pair(let prompt, let chosen, let rejected): prompt.count + max(chosen.ids.count, rejected.ids.count)
    }
  }

  /// Whether this is a pair of answers that the model cannot tell apart.
  var hasEqualAnswers: Bool {
    if case .pair(_, let chosen, let rejected) = self { chosen == rejected } else { false }
  }

  var row: TokenRow {
    switch self {
    case .sample(let pieces): Self.sampleRow(pieces)
    case .pair(let prompt, let chosen, let rejected): Self.pairRow(prompt, chosen, rejected)
    }
  }

  /// The row cut to `room` tokens by LLaMA-Factory's rules.
  ///
  /// A conversation is cut turn by turn (an untrained piece and the trained one after it), each by ``turnBudget`` with
  /// the room that the turns before it left; when none is left, the remaining turns are dropped. A pair's prompt is cut
  /// against the longer answer.
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
    case .pair(let prompt, let chosen, let rejected):
      let longer = max(chosen.ids.count, rejected.ids.count)
      let budget = turnBudget(source: prompt.count, target: longer, room: room)
      row = Self.pairRow(
        Array(prompt.prefix(budget.source)), chosen.prefix(budget.target), rejected.prefix(budget.target))
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

  private static func pairRow(_ prompt: [Int32], _ chosen: Answer, _ rejected: Answer) -> TokenRow {
    func sequence(_ answer: Answer, _ role: TokenSequence.Role) -> TokenSequence {
      let marks = [Bool](repeating: false, count: prompt.count) + answer.lossMask
      return TokenSequence(role: role, ids: prompt + answer.ids, lossMask: marks)
    }
    return TokenRow([sequence(chosen, .chosen), sequence(rejected, .rejected)])
  }
}
