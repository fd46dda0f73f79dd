extension AnswerSearch {
  /// Where the part that the model has to write starts.
  func start(
    of message: Int, before limit: Int, prompt: Text?, turn: Text?, standing: Text
  ) throws -> Int {
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
    let before = try? rendered(message, addGenerationPrompt: false)
    let generation = standing.isEmpty ? generationPrompt(prompt, before) : standing
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
    // The answer goes on right where the text before the message ends, as Apertus' does behind what a tool said.
    if let before, before.count == limit, whole.hasPrefix(before) { return limit }
    if floor == limit, floor > 0 { return limit }
    if let start = startWithoutName(of: message, before: limit), start >= floor { return start }
    if let generation, let start = endOfSharedHeader(generation, from: floor, limit: limit) { return start }
    if let prompt, systemText(in: prompt) != systemText(in: whole[0..<limit]) { throw error(message, .systemMoves) }
    throw mismatch(message, expected: prompt, near: limit)
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

  /// Where the beginning of the generation prompt ends in the whole when both go on with other things that the template
  /// writes: it stopped writing one piece there in both.
  private func endOfSharedHeader(_ generation: Text, from floor: Int, limit: Int) -> Int? {
    let ends = Set(generation.spans.filter { $0.start < $0.end && $0.end < generation.count }.map(\.end))
    for length in ends.sorted(by: >) {
      let header = generation[0..<length]
      guard header.scalars.contains(where: { !$0.isPythonSpace }),
        let end = whole.lastIndex(of: header, from: floor, limit: limit).map({ $0 + length }),
        whole.spans.contains(where: { $0.end == end && $0.start < end }),
        // A name or a role that follows belongs to the header.
        !whole.spans.contains(where: { $0.source.isField && $0.start < limit && end < $0.end })
      else { continue }
      return end
    }
    return nil
  }

  /// Where the answer starts when the message's name stands in its header, by the same conversation without that name.
  private func startWithoutName(of message: Int, before limit: Int) -> Int? {
    guard let fields = fields.withoutName(of: message),
      let whole = try? template.render(fields.messages, addGenerationPrompt: false, surroundings)
    else { return nil }
    let search = AnswerSearch(template: template, fields: fields, surroundings: surroundings, whole: whole)
    guard let answer = search.answer(of: message, in: whole), let span = try? search.span(of: message),
      span.range.lowerBound <= answer.lowerBound
    else { return nil }
    let lead = whole[span.range.lowerBound..<answer.lowerBound]
    return lead.count <= limit && self.whole.has(lead, at: limit - lead.count) ? limit - lead.count : nil
  }

  /// What the generation prompt adds: to the messages before when they can be rendered, else to a single message of the
  /// user.
  private func generationPrompt(_ prompt: Text?, _ before: Text?) -> Text? {
    func added(_ with: Text?, _ without: Text?) -> Text? {
      guard let with, let without, with.hasPrefix(without) else { return nil }
      return with[without.count..<with.count]
    }
    if let found = added(prompt, before) { return found }
    let sample = ConversationFields([ChatMessage(role: "user", content: "x")]).messages
    return added(
      try? template.render(sample, addGenerationPrompt: true, surroundings),
      try? template.render(sample, addGenerationPrompt: false, surroundings))
  }

  /// Where the end of turn behind the answer ends.
  func end(of message: Int, after limit: Int, turn: Text?, standing: Int, _ counted: Counted) throws -> Int {
    if message == fields.messages.count - 1 { return whole.count - standing }
    // A turn that is not rendered by itself, such as a greeting before any question, ends as the last one does.
    let (text, owner) = turn.map { ($0, message) } ?? (whole, fields.messages.count - 1)
    guard let answer = answer(of: owner, in: text, counted) else {
      throw mismatch(message, expected: turn, near: limit)
    }
    let tail = answer.upperBound..<max(answer.upperBound, text.count - standing)
    let a = Provenance(text)
    let b = Provenance(whole)
    /// How many characters of the tail from `first` on stand at a place of the whole, from the same literals.
    func agreeing(from first: Int, at place: Int) -> Int {
      var length = 0
      while first + length < tail.upperBound, place + length < whole.count,
        text.scalars[first + length] == whole.scalars[place + length],
        a.agrees(at: first + length, with: b, at: place + length)
      { length += 1 }
      return length
    }
    let length = agreeing(from: tail.lowerBound, at: limit)
    if length == tail.count { return limit + length }
    // A call that has an id only once others follow: as much of the tail as there is stands further behind.
    let next = whole.spans.filter { $0.source.isField && $0.start >= limit && $0.start < $0.end }.map(\.start).min()
    for first in tail.dropFirst(length) where a.literal(at: first) != nil {
      let count = tail.upperBound - first
      for place in limit..<max(limit, (next ?? whole.count) - count + 1) where agreeing(from: first, at: place) == count
      {
        return place + count
      }
    }
    return limit + length
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
