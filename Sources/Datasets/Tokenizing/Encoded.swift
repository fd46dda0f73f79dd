import ChatTemplates
import PreciseJSON
import TokenShards
import Tokenization

/// A rendered record with every piece as token ids.
enum Encoded: Sendable {
  struct Piece: Sendable {
    var ids: [Int32]
    var isTrained: Bool
    /// What each token counts; empty where all count 1.
    var weights: [Float] = []

    /// Marks of the tokens: what counts nothing is no label.
    var lossMask: [Bool] {
      weights.isEmpty || !isTrained ? ids.map { _ in isTrained } : weights.map { $0 > 0 }
    }

    func prefix(_ count: Int) -> Piece {
      Piece(ids: Array(ids.prefix(count)), isTrained: isTrained, weights: Array(weights.prefix(count)))
    }

    static func + (a: Piece, b: Piece) -> Piece {
      func weights(_ piece: Piece) -> [Float] { piece.weights.isEmpty ? piece.ids.map { _ in 1 } : piece.weights }
      return Piece(
        ids: a.ids + b.ids, isTrained: a.isTrained,
        weights: a.weights.isEmpty && b.weights.isEmpty ? [] : weights(a) + weights(b))
    }
  }

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
      lossMask = pieces.flatMap(\.lossMask)
    }

    func prefix(_ count: Int) -> Answer {
      var copy = self
      (copy.ids, copy.lossMask) = (Array(ids.prefix(count)), Array(lossMask.prefix(count)))
      return copy
    }
  }

  /// - Parameters:
  ///   - encode: Gives the ids of a piece after what its context says, and changes that to what follows.
  ///   - weights: Gives what each token of a piece counts.
  init(
    _ record: RenderedRecord, encode: (String, inout TextContext) throws -> [Int32],
    weights: ([Int32], TextPiece) throws -> [Float]
  ) throws {
    var context = TextContext()
    switch record {
    case .sample(let pieces):
      self = .sample(
        try pieces.map { piece in
          let ids = try encode(piece.text, &context)
          return Piece(ids: ids, isTrained: piece.isTrained, weights: try weights(ids, piece))
        })
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
      return Answer(role, try pieces.map { Piece(ids: try encode($0.text, &context), isTrained: $0.isTrained) })
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
        let budget = turnBudget(source: turn.source.count, target: turn.target.ids.count, room: left)
        kept.append(Piece(ids: Array(turn.source.prefix(budget.source)), isTrained: false))
        kept.append(turn.target.prefix(budget.target))
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
  private static func turns(_ pieces: [Piece]) -> [(source: [Int32], target: Piece)] {
    var turns: [(source: [Int32], target: Piece)] = []
    for piece in pieces {
      if piece.isTrained, let last = turns.indices.last {
        turns[last].target = turns[last].target + piece
      } else if piece.isTrained {
        turns.append(([], piece))
      } else if let last = turns.indices.last, turns[last].target.ids.isEmpty {
        turns[last].source += piece.ids
      } else {
        turns.append((piece.ids, Piece(ids: [], isTrained: true)))
      }
    }
    return turns
  }

  private static func sampleRow(_ pieces: [Piece]) -> TokenRow {
    guard let first = pieces.first else { return TokenRow([]) }
    let whole = pieces.dropFirst().reduce(first, +)
    guard !whole.ids.isEmpty else { return TokenRow([]) }
    let marks = pieces.flatMap(\.lossMask)
    let weights = zip(whole.weights, marks).map { $0.1 ? $0.0 : 1 }
    return TokenRow([
      TokenSequence(ids: whole.ids, lossMask: marks, weights: weights.allSatisfy { $0 == 1 } ? [] : weights)
    ])
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
