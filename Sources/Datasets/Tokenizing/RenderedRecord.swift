import ChatTemplates
import PreciseJSON

/// A record after its template: text cut where training starts and stops.
///
/// Every piece is tokenised by itself, so no token crosses from an untrained to a trained piece; that is also how a
/// model meets them when it answers: the prompt is tokenised before the answer exists.
package enum RenderedRecord: Sendable, Equatable {
  case sample([TextPiece])
  case pair(prompt: [TextPiece], chosen: [TextPiece], rejected: [TextPiece], margin: Double = 0)
  case judged(prompt: [TextPiece], answer: [TextPiece], isWanted: Bool)
  /// A prompt, and the columns that travel with it: an object, nil where there are none.
  case prompt([TextPiece], columns: JSON? = nil)

  /// The whole text of each sequence: one, or the prompt with each answer of a pair.
  package var texts: [String] {
    func text(_ pieces: [TextPiece]) -> String { pieces.map(\.text).joined() }
    switch self {
    case .sample(let pieces): return [text(pieces)]
    case .pair(let prompt, let chosen, let rejected, _): return [text(prompt + chosen), text(prompt + rejected)]
    case .judged(let prompt, let answer, _): return [text(prompt + answer)]
    case .prompt(let pieces, _): return [text(pieces)]
    }
  }

  /// The canonical line that a group stores.
  ///
  /// - Parameters:
  ///   - hash: That of the record it was rendered from.
  ///   - source: The name of the record's source, where it has one.
  package func line(_ hash: RecordHash, source: String? = nil) -> String {
    var members: [(key: String, value: JSON)] = [("record", JSON(hash.text))]
    switch self {
    case .sample(let pieces): members.append(("pieces", Self.json(pieces)))
    case .pair(let prompt, let chosen, let rejected, let margin):
      members += [
        ("prompt", Self.json(prompt)), ("chosen", Self.json(chosen)), ("rejected", Self.json(rejected)),
      ]
      if margin != 0 { members.append(("margin", JSON(margin))) }
    case .judged(let prompt, let answer, let isWanted):
      members += [("prompt", Self.json(prompt)), ("answer", Self.json(answer)), ("wanted", JSON(isWanted))]
    case .prompt(let pieces, let columns):
      members.append(("prompt", Self.json(pieces)))
      if let columns { members.append(("columns", columns)) }
    }
    if let source { members.append((Record.source, JSON(source))) }
    return JSON(members).text()
  }

  /// Reads a line that ``line(_:source:)`` wrote; nil for anything else.
  package static func read(line json: JSON) -> (record: RenderedRecord, hash: RecordHash, source: String?)? {
    guard let hash = json["record"]?.string.flatMap(RecordHash.init(text:)), let record = RenderedRecord(json: json)
    else { return nil }
    return (record, hash, json[Record.source]?.string)
  }

  private init?(json: JSON) {
    if let pieces = json["pieces"].flatMap(Self.pieces) {
      self = .sample(pieces)
      return
    }
    guard let prompt = json["prompt"].flatMap(Self.pieces) else { return nil }
    if let chosen = json["chosen"].flatMap(Self.pieces), let rejected = json["rejected"].flatMap(Self.pieces) {
      self = .pair(prompt: prompt, chosen: chosen, rejected: rejected, margin: json["margin"]?.double ?? 0)
    } else if let answer = json["answer"].flatMap(Self.pieces), let isWanted = json["wanted"]?.bool {
      self = .judged(prompt: prompt, answer: answer, isWanted: isWanted)
    } else if ["chosen", "rejected", "answer"].allSatisfy({ json[$0] == nil }) {
      let columns = json["columns"]
      guard columns == nil || columns?.object != nil else { return nil }
      self = .prompt(prompt, columns: columns)
    } else {
      return nil
    }
  }

  private static func json(_ pieces: [TextPiece]) -> JSON {
    .array(
      pieces.map { piece in
        let weights = piece.weights.map { stretch -> JSON in [JSON(stretch.end), JSON(stretch.weight)] }
        return .array([JSON(piece.text), JSON(piece.isTrained)] + (weights.isEmpty ? [] : [.array(weights)]))
      })
  }

  private static func pieces(_ json: JSON) -> [TextPiece]? {
    guard let list = json.array else { return nil }
    let pieces = list.compactMap { item -> TextPiece? in
      guard let parts = item.array, [2, 3].contains(parts.count), let text = parts[0].string,
        let isTrained = parts[1].bool
      else { return nil }
      var piece = TextPiece(text: text, isTrained: isTrained)
      for stretch in parts.count == 3 ? parts[2].array ?? [] : [] {
        guard let pair = stretch.array, pair.count == 2, let end = pair[0].int, let weight = pair[1].double else {
          return nil
        }
        piece.weights.append(TextPiece.Stretch(end: end, weight: weight))
      }
      return piece
    }
    return pieces.count == list.count ? pieces : nil
  }
}
