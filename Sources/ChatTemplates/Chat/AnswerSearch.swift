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
      return AssistantSpan(message: message, range: prompt.count..<turn.count, method: .prefix)
    }
    guard let answer = answer(of: message, in: whole) else { throw error(message, .missing) }
    let start = try start(of: message, before: answer.lowerBound, prompt: prompt, turn: turn)
    let end = try end(of: message, after: answer.upperBound, turn: turn)
    return AssistantSpan(message: message, range: start..<end, method: .provenance)
  }

  private func rendered(_ count: Int, addGenerationPrompt: Bool) throws -> Text {
    try template.render(Array(fields.messages[..<count]), addGenerationPrompt: addGenerationPrompt, surroundings)
  }

  private func error(_ message: Int, _ problem: AssistantSpanError.Problem) -> AssistantSpanError {
    AssistantSpanError(template: template.name, message: message, problem: problem)
  }

  /// Where the characters of a message's answer stand in `text`, from the first to the last.
  private func answer(of message: Int, in text: Text) -> Range<Int>? {
    var result: Range<Int>?
    for span in text.spans {
      guard case .field(let index) = span.source, fields.table[index].message == message, fields.isAnswer(index) else {
        continue
      }
      result = min(result?.lowerBound ?? .max, span.start)..<max(result?.upperBound ?? 0, span.end)
    }
    return result
  }

  /// Where the part that the model has to write starts.
  private func start(of message: Int, before limit: Int, prompt: Text?, turn: Text?) throws -> Int {
    // Everything before the message: nothing of it can be part of the answer.
    var floor = 0
    for span in whole.spans where span.end <= limit {
      guard case .field(let index) = span.source, let owner = fields.table[index].message, owner < message else {
        continue
      }
      floor = max(floor, span.end)
    }
    // The whole prompt is how the conversation starts: only the end is told by provenance.
    if let prompt, prompt.count <= limit, whole.hasPrefix(prompt) { return prompt.count }
    let generation = generationPrompt(before: message, prompt: prompt)
    if let generation, !generation.isEmpty {
      if let found = whole.lastIndex(of: generation, from: floor, limit: limit) { return found + generation.count }
      // The prompt opens something that this answer lacks: as much of it as stands right before the answer.
      var length = min(generation.count, limit - floor)
      while length > 0 {
        if whole.has(generation[0..<length], at: limit - length) { return limit }
        length -= 1
      }
    }
    // A template without a generation prompt: the answer starts where the text before the message ends.
    if generation?.isEmpty == true, let prompt, let turn {
      let shared = zip(prompt.scalars, turn.scalars).prefix { $0 == $1 }.count
      if shared == prompt.count, whole.hasPrefix(prompt), shared <= limit { return shared }
    }
    if let lead = lead(of: message, prompt: prompt, turn: turn), limit - lead.count >= floor,
      whole.has(lead, at: limit - lead.count)
    {
      return limit - lead.count
    }
    if let generation, let start = endOfHeader(generation, from: floor, limit: limit) { return start }
    if let prompt, systemText(in: prompt) != systemText(in: whole[0..<limit]) { throw error(message, .systemMoves) }
    throw mismatch(message, expected: prompt ?? generation ?? Text(), near: limit)
  }

  /// What the template writes between the text up to the message and the answer; nil unless the former is how the text
  /// with the message starts.
  private func lead(of message: Int, prompt: Text?, turn: Text?) -> Text? {
    guard let prompt, let turn, turn.hasPrefix(prompt), let answer = answer(of: message, in: turn),
      answer.lowerBound >= prompt.count
    else { return nil }
    return turn[prompt.count..<answer.lowerBound]
  }

  /// Where the beginning of the generation prompt ends in the whole when it goes on with nothing but tags, such as
  /// `<think>`, and the whole with others.
  private func endOfHeader(_ generation: Text, from floor: Int, limit: Int) -> Int? {
    for length in stride(from: generation.count - 1, to: 0, by: -1) {
      guard generation[length..<generation.count].isTags else { continue }
      if let found = whole.lastIndex(of: generation[0..<length], from: floor, limit: limit) { return found + length }
    }
    return nil
  }

  /// What the generation prompt adds: of the messages before `message` when they can be rendered, else of a single
  /// message of the user.
  private func generationPrompt(before message: Int, prompt: Text?) -> Text? {
    func added(_ with: Text?, _ without: Text?) -> Text? {
      guard let with, let without, with.hasPrefix(without) else { return nil }
      return with[without.count..<with.count]
    }
    if let found = added(prompt, try? rendered(message, addGenerationPrompt: false)) { return found }
    let sample = ConversationFields([ChatMessage(role: "user", content: "x")]).messages
    return added(
      try? template.render(sample, addGenerationPrompt: true, surroundings),
      try? template.render(sample, addGenerationPrompt: false, surroundings))
  }

  /// Where the end of turn behind the answer ends.
  private func end(of message: Int, after limit: Int, turn: Text?) throws -> Int {
    if message == fields.messages.count - 1 { return whole.count }
    guard let turn, let answer = answer(of: message, in: turn) else {
      throw mismatch(message, expected: turn ?? Text(), near: limit)
    }
    let a = Provenance(turn)
    let b = Provenance(whole)
    var length = 0
    while answer.upperBound + length < turn.count, limit + length < whole.count,
      turn.scalars[answer.upperBound + length] == whole.scalars[limit + length],
      a.agrees(at: answer.upperBound + length, with: b, at: limit + length)
    { length += 1 }
    return limit + length
  }

  /// Where the characters of system messages stand in a text.
  private func systemText(in text: Text) -> [Range<Int>] {
    text.spans.compactMap { span in
      guard case .field(let index) = span.source, span.start < span.end, fields.kind(of: fields.table[index]) == .system
      else { return nil }
      return span.start..<span.end
    }
  }

  private func mismatch(_ message: Int, expected: Text, near position: Int) -> AssistantSpanError {
    let shared = zip(expected.scalars, whole.scalars).prefix { $0 == $1 }.count
    func around(_ text: Text, _ place: Int) -> String {
      text[max(0, min(place, text.count) - 40)..<min(text.count, place + 40)].string
    }
    return error(
      message,
      .notAPrefix(expected: around(expected, shared), found: around(whole, min(shared, position))))
  }
}

/// For each character of a text the literal of the template that it came from.
private struct Provenance {
  private var places: [(literal: Int, offset: Int)?]

  init(_ text: Text) {
    places = Array(repeating: nil, count: text.count)
    for span in text.spans {
      guard case .literal(let literal) = span.source, let offset = span.offset else { continue }
      for index in span.start..<span.end { places[index] = (literal, offset + index - span.start) }
    }
  }

  /// Whether both characters came from the same place of the template, or neither from a literal.
  func agrees(at index: Int, with other: Provenance, at otherIndex: Int) -> Bool {
    switch (places[index], other.places[otherIndex]) {
    case (nil, nil): true
    case (let a?, let b?): a == b
    default: false
    }
  }
}

extension Text {
  /// Whether the text is tags in `<…>` or `[…]`, and white space.
  fileprivate var isTags: Bool {
    var closing: Unicode.Scalar?
    for scalar in scalars {
      if let end = closing {
        if scalar == end { closing = nil }
      } else if scalar == "<" || scalar == "[" {
        closing = scalar == "<" ? ">" : "]"
      } else if !scalar.isPythonSpace {
        return false
      }
    }
    return closing == nil
  }
}

extension ConversationFields {
  /// Whether a field is part of what the assistant says; its role and name stand in headers.
  func isAnswer(_ index: Int) -> Bool { !["role", "name"].contains(table[index].path) }
}
