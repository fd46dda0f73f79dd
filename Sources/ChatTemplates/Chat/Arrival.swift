/// How much of one part of a conversation is in its rendered text, by where the characters come from.
///
/// White space does not count, nor do the tags around thoughts, which templates write themselves.
package struct Arrival: Sendable, Hashable {
  /// What a stretch of a conversation is.
  package enum Kind: String, Sendable, CaseIterable {
    /// What the assistant says.
    case answer
    /// What it thinks before: a member such as `reasoning_content`, or text up to `</think>`.
    case thought
    /// The name and the arguments of its calls.
    case call
    /// A tool: arrived means that its name did.
    case tool
    case system
    /// What the user says, and any role that is not known.
    case question
    /// What a tool answered.
    case toolResult = "tool_result"
  }

  package var kind: Kind
  /// The index of the message; nil for a tool.
  package var message: Int?
  /// Characters of the part.
  package var characters: Int
  /// Those that are in the text.
  package var arrived: Int

  package init(_ kind: Kind, message: Int?, characters: Int, arrived: Int) {
    self.kind = kind
    self.message = message
    self.characters = characters
    self.arrived = arrived
  }

  package var lost: Int { characters - arrived }
}

/// Counts what of a conversation arrived in its rendered text.
///
/// Cost: O(characters of the fields + spans of the text).
struct ArrivalCount {
  private let fields: ConversationFields
  /// For each field the stretches of it that stand in the text as they are.
  private var kept: [[Range<Int>]]
  /// For each field how many characters were made of it.
  private var changed: [Int]

  init(of fields: ConversationFields, in text: Text) {
    self.fields = fields
    kept = Array(repeating: [], count: fields.table.count)
    changed = Array(repeating: 0, count: fields.table.count)
    for span in text.spans where span.start < span.end {
      guard case .field(let index) = span.source else { continue }
      if let offset = span.offset {
        kept[index].append(offset..<offset + span.end - span.start)
      } else {
        changed[index] += text.scalars[span.start..<span.end].count { !$0.isPythonSpace }
      }
    }
  }

  /// One for each message and kind that has characters, and one for each tool.
  func arrivals() -> [Arrival] {
    var result: [Arrival] = []
    // A message can say one thing under several names, such as `reasoning_content` and `thinking`: the one that
    // arrives best counts.
    var thoughts: [String: Arrival] = [:]
    var current: [Arrival.Kind: Arrival] = [:]
    var message: Int?
    func flush() {
      if let best = thoughts.values.max(by: { $0.arrived < $1.arrived }) { add(best) }
      for kind in Arrival.Kind.allCases {
        if let arrival = current[kind], arrival.characters > 0 { result.append(arrival) }
      }
      (thoughts, current) = ([:], [:])
    }
    func add(_ arrival: Arrival) {
      current[arrival.kind, default: Arrival(arrival.kind, message: message, characters: 0, arrived: 0)].characters +=
        arrival.characters
      current[arrival.kind]?.arrived += arrival.arrived
    }
    for (index, field) in fields.table.enumerated() {
      guard let owner = field.message else { continue }
      if owner != message {
        flush()
        message = owner
      }
      guard let kind = fields.kind(of: field) else { continue }
      if kind == .thought, let name = field.path.split(whereSeparator: { $0 == "." || $0 == "[" }).first {
        let arrival = count(index, kind, 0..<field.text.count)
        let key = String(name)
        let before = thoughts[key] ?? Arrival(.thought, message: owner, characters: 0, arrived: 0)
        thoughts[key] = Arrival(
          .thought, message: owner, characters: before.characters + arrival.characters,
          arrived: before.arrived + arrival.arrived)
      } else if kind == .answer, let end = field.text.endOfThought {
        add(count(index, .thought, 0..<end))
        add(count(index, .answer, end..<field.text.count))
      } else {
        add(count(index, kind, 0..<field.text.count))
      }
    }
    flush()
    return result + tools()
  }

  private func tools() -> [Arrival] {
    var tools: [String: Arrival] = [:]
    var order: [String] = []
    for (index, field) in fields.table.enumerated() where field.message == nil {
      let parts = field.path.split(separator: ".", maxSplits: 1)
      guard parts.count == 2, parts[1] == "name" || parts[1] == "description" else { continue }
      let tool = String(parts[0])
      let arrival = count(index, .tool, 0..<field.text.count)
      if tools[tool] == nil {
        order.append(tool)
        tools[tool] = Arrival(.tool, message: nil, characters: 0, arrived: 0)
      }
      tools[tool]?.characters += arrival.characters
      tools[tool]?.arrived += arrival.arrived
    }
    return order.compactMap { tools[$0] }
  }

  private func count(_ index: Int, _ kind: Arrival.Kind, _ range: Range<Int>) -> Arrival {
    let field = fields.table[index]
    let scalars = field.text.scalars
    var characters = 0
    var bounds: (first: Int, last: Int)?
    for place in range where !scalars[place].isPythonSpace {
      characters += 1
      bounds = (bounds?.first ?? place, place)
    }
    let isWhole = kept[index].contains { stretch in
      bounds.map { stretch.lowerBound <= $0.first && $0.last < stretch.upperBound } ?? true
    }
    if isWhole { return Arrival(kind, message: field.message, characters: characters, arrived: characters) }
    // Some of it is cut or changed: which characters stand in the text, and which are but tags.
    var stands = [Bool](repeating: false, count: scalars.count)
    for stretch in kept[index] { for place in stretch where place < stands.count { stands[place] = true } }
    let tags = kind == .answer || kind == .thought ? field.text.thoughtTags : []
    let counted = range.filter { place in
      !scalars[place].isPythonSpace && !tags.contains { $0.contains(place) }
    }
    let arrived = counted.count { stands[$0] } + changed[index]
    return Arrival(kind, message: field.message, characters: counted.count, arrived: min(counted.count, arrived))
  }
}

extension ConversationFields {
  /// What a field of a message counts as; nil for structure: roles, ids, types.
  func kind(of field: Field) -> Arrival.Kind? {
    guard let message = field.message else { return .tool }
    let role = roles[message]
    let path = field.path
    let last = path.split(separator: ".").last ?? ""
    if path.hasPrefix("content") {
      guard path == "content" || last == "text" || last == "content" || path.hasSuffix("]") else {
        return role == "assistant" && (last == "thinking" || last == "reasoning") ? .thought : nil
      }
      switch role {
      case "assistant": return .answer
      case "system", "developer": return .system
      case "tool", "function", "ipython", "observation": return .toolResult
      default: return .question
      }
    }
    guard role == "assistant" else { return nil }
    if ["reasoning_content", "reasoning", "thinking"].contains(where: { path == $0 || path.hasPrefix($0 + ".") }) {
      return .thought
    }
    if path.hasPrefix("tool_calls") { return path.contains(".arguments") || last == "name" ? .call : nil }
    return nil
  }
}

extension Text {
  private static let opening: Text = "<think>"
  private static let closing: Text = "</think>"

  /// Where the thought ends that a text begins with: behind its closing tag.
  var endOfThought: Int? { lastIndex(of: Self.closing).map { $0 + Self.closing.count } }

  /// The places of the tags around thoughts.
  var thoughtTags: [Range<Int>] { places(of: Self.opening, limit: -1) + places(of: Self.closing, limit: -1) }
}
