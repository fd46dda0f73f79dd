import ChatTemplates
import Glibc

/// Something about a row that is read as it stands, and shall be known.
package enum RowRemark: Sendable, Hashable {
  /// `{{name}}`, which some sets leave for others to fill.
  case placeholder(String)
  /// A message of a role after one of another that not every template takes.
  case order(role: String, after: String)

  /// The remark as a text of its own.
  var text: String {
    switch self {
    case .placeholder(let name): "{{\(name)}}"
    case .order(let role, let previous): "\(role) after \(previous)"
    }
  }

  /// Reads what ``text`` wrote; nil for anything else.
  init?(text: String) {
    if text.hasPrefix("{{"), text.hasSuffix("}}") {
      self = .placeholder(String(text.dropFirst(2).dropLast(2)))
    } else {
      let roles = text.split(separator: " after ", maxSplits: 1)
      guard roles.count == 2 else { return nil }
      self = .order(role: String(roles[0]), after: String(roles[1]))
    }
  }
}

extension Record {
  /// What there is to remark.
  ///
  /// Cost: O(characters).
  var remarks: Set<RowRemark> {
    var remarks: Set<RowRemark> = []
    func look(_ text: String) { remarks.formUnion(placeholders(in: text).map { .placeholder($0) }) }
    if case .text(let text) = self { look(text) }
    for message in messages { look(message.text) }
    for conversation in conversations {
      var previous = "nothing"
      for message in conversation {
        if !message.usually(follows: previous) { remarks.insert(.order(role: message.role, after: previous)) }
        previous = message.role
      }
    }
    return remarks
  }

  private var conversations: [[ChatMessage]] {
    switch self {
    case .text: []
    case .conversation(let conversation): [conversation.messages]
    case .judged(let judged): [judged.prompt.messages + judged.answer]
    case .prompt(let prompt, _): [prompt.messages]
    case .preference(let pair): [pair.prompt.messages + pair.chosen, pair.prompt.messages + pair.rejected]
    }
  }
}

extension ChatMessage {
  /// Whether the order is the usual one: a system message, then users and tools answered by the assistant.
  fileprivate func usually(follows previous: String) -> Bool {
    switch role {
    case "system", "developer": previous == "nothing"
    case "user": previous != "user"
    case "tool": previous == "assistant" || previous == "tool"
    default: previous == "user" || previous == "tool"
    }
  }
}

private func isOfName(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
  default: false
  }
}

/// The names in double braces in a text: letters, digits and underscores, with blanks around or not.
private func placeholders(in text: String) -> [String] {
  var names: [String] = []
  var text = text
  text.withUTF8 { bytes in
    guard let start = bytes.baseAddress else { return }
    let (opening, closing) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
    var place = 0
    while place + 4 < bytes.count, let found = memchr(start + place, Int32(opening), bytes.count - place) {
      place = UnsafeRawPointer(start).distance(to: UnsafeRawPointer(found)) + 1
      guard place < bytes.count, bytes[place] == opening else { continue }
      place += 1
      func skip(_ isSkipped: (UInt8) -> Bool) { while place < bytes.count, isSkipped(bytes[place]) { place += 1 } }
      skip { $0 == UInt8(ascii: " ") }
      let first = place
      skip(isOfName)
      let end = place
      skip { $0 == UInt8(ascii: " ") }
      if end > first, end - first <= 40, place + 1 < bytes.count, bytes[place] == closing, bytes[place + 1] == closing {
        names.append(String(decoding: bytes[first..<end], as: UTF8.self))
      }
    }
  }
  return names
}
