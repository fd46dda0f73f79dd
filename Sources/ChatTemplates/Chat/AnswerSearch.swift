/// The search for assistant messages in one rendered conversation; the rules are in `ChatTemplate+TrainedPieces`.
struct AnswerSearch {
  let template: ChatTemplate
  let fields: ConversationFields
  let surroundings: ChatTemplate.Surroundings
  let whole: Text

  func span(of message: Int) throws -> AssistantSpan {
    // A template can refuse a part of a conversation that it accepts as a whole.
    let prompt = try? rendered(message, addGenerationPrompt: true)
    let isLast = message == fields.messages.count - 1
    let turn = isLast ? whole : try? rendered(message + 1, addGenerationPrompt: false)
    if let prompt, let turn, prompt.count <= turn.count, turn.hasPrefix(prompt), whole.hasPrefix(turn) {
      // Nothing was added when the template left the message out.
      if prompt.count == turn.count, answer(of: message, in: turn) == nil { throw error(message, .missing) }
      let end = isLast ? turn.count - standingPrompt(prompt).count : turn.count
      return AssistantSpan(message: message, range: prompt.count..<max(prompt.count, end), method: .prefix)
    }
    let standing = standingPrompt(prompt)
    if !isLast, let turn, let found = answer(of: message, in: turn), !hasOthers(than: message, in: found) {
      let end = turn.count - standing.count
      if whole.hasPrefix(turn[0..<end]) {
        // What the whole says of the message again further behind is no part of it, such as the name of what was called.
        let start = try start(of: message, before: found.lowerBound, prompt: prompt, turn: turn, standing: standing)
        return AssistantSpan(message: message, range: start..<end, method: .provenance)
      }
    }
    guard var answer = answer(of: message, in: whole) else { throw error(message, .missing) }
    // An empty text can stand far from what is said, behind what a tool answered.
    let counts = hasOthers(than: message, in: answer) ? Counted.characters : .anchors
    answer = self.answer(of: message, in: whole, counts) ?? answer
    if hasOthers(than: message, in: answer) { throw error(message, .interrupted) }
    let start = try start(of: message, before: answer.lowerBound, prompt: prompt, turn: turn, standing: standing)
    let end = try end(of: message, after: answer.upperBound, turn: turn, standing: standing.count, counts)
    return AssistantSpan(message: message, range: start..<end, method: .provenance)
  }

  func rendered(_ count: Int, addGenerationPrompt: Bool) throws -> Text {
    try template.render(Array(fields.messages[..<count]), addGenerationPrompt: addGenerationPrompt, surroundings)
  }

  func error(_ message: Int, _ problem: AssistantSpanError.Problem) -> AssistantSpanError {
    AssistantSpanError(template: template.name, message: message, problem: problem)
  }

  /// What shows that something of a message stands at a place.
  enum Counted {
    case characters
    /// Empty texts of it as well.
    case anchors
  }

  /// Where the characters of a message's answer stand in `text`, from the first to the last.
  func answer(of message: Int, in text: Text, _ counted: Counted = .anchors) -> Range<Int>? {
    var result: Range<Int>?
    for span in text.spans where counted == .anchors || span.start < span.end {
      guard case .field(let index) = span.source, fields.table[index].message == message, fields.isAnswer(index) else {
        continue
      }
      result = min(result?.lowerBound ?? .max, span.start)..<max(result?.upperBound ?? 0, span.end)
    }
    return result
  }

  /// Whether something of other messages stands in the stretch.
  private func hasOthers(than message: Int, in stretch: Range<Int>) -> Bool {
    whole.spans.contains { span in
      guard case .field(let index) = span.source, span.start < span.end, span.start < stretch.upperBound,
        stretch.lowerBound < span.end, let owner = fields.table[index].message
      else { return false }
      return owner != message
    }
  }

  /// The generation prompt that a template writes behind every conversation, asked or not, as Command R7B's does; empty for
  /// all others.
  ///
  /// It is what the whole and the text up to a message both end in, from literals that stand nowhere else.
  private func standingPrompt(_ prompt: Text?) -> Text {
    guard !template.asksForPrompt, let prompt else { return Text() }
    let a = Provenance(prompt)
    let b = Provenance(whole)
    let stretches = Dictionary(grouping: (prompt.spans + whole.spans).filter { !$0.source.isField }, by: \.source)
    var length = 0
    while length < min(prompt.count, whole.count),
      let literal = a.literal(at: prompt.count - length - 1), stretches[.literal(literal)]?.count == 2,
      a.agrees(at: prompt.count - length - 1, with: b, at: whole.count - length - 1)
    { length += 1 }
    return prompt[prompt.count - length..<prompt.count]
  }

  /// Where the texts of system messages stand in a text, empty ones too.
  func systemText(in text: Text) -> [Range<Int>] {
    text.spans.compactMap { span in
      guard case .field(let index) = span.source, fields.kind(of: fields.table[index]) == .system else { return nil }
      return span.start..<span.end
    }
  }

  /// - Parameter expected: What the template renders up to the place; nil when it refuses to.
  func mismatch(_ message: Int, expected: Text?, near position: Int) -> AssistantSpanError {
    let shared = expected.map { zip($0.scalars, whole.scalars).prefix { $0 == $1 }.count } ?? position
    func around(_ text: Text, _ place: Int) -> String {
      text[max(0, min(place, text.count) - 40)..<min(text.count, place + 40)].string
    }
    return error(
      message,
      .notAPrefix(expected: expected.map { around($0, shared) }, found: around(whole, min(shared, position))))
  }
}

extension ConversationFields {
  /// Whether a field is part of what the assistant says; its role and name stand in headers.
  func isAnswer(_ index: Int) -> Bool { !["role", "name"].contains(table[index].path) }
}
