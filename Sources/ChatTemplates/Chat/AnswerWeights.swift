/// What the parts of answers count when they are learned, 0 or more each.
///
/// What a template writes around thoughts and calls counts as they do, the mark at the end of an answer always 1.
package struct AnswerWeights: Sendable, Hashable {
  /// What the assistant says.
  package var answers = 1.0
  /// What it thinks before.
  package var thoughts = 1.0
  /// Its calls of tools.
  package var toolCalls = 1.0

  package init() {}

  fileprivate subscript(part: AnswerPart) -> Double {
    switch part {
    case .answer: answers
    case .thought: thoughts
    case .call: toolCalls
    case .other: 1
    }
  }
}

private enum AnswerPart {
  case answer
  case thought
  case call
  /// The end mark, and what a template writes around text.
  case other
}

/// Finds what the characters of answers count in a rendered conversation.
struct AnswerWeighing {
  let messages: [ChatMessage]
  let fields: ConversationFields
  let text: Text
  let rules: AnswerWeights
  let endMarks: [Text]
  let template: String

  /// Whether anything can count something else than 1.
  var hasEffect: Bool {
    rules != AnswerWeights() || messages.contains { $0.isLearned && ($0.weight != 1 || !$0.spans.isEmpty) }
  }

  /// What each character of the text counts, by the answers that are learned.
  ///
  /// - Throws: ``AssistantSpanError`` for a span that is not in the text.
  func weights(_ spans: [AssistantSpan]) throws -> [Double] {
    var weights = [Double](repeating: 1, count: text.count)
    for span in spans {
      if rules != AnswerWeights() {
        for (place, part) in zip(span.range, parts(of: span.range)) { weights[place] *= rules[part] }
      }
      guard let message = span.message else { continue }
      for place in span.range { weights[place] *= messages[message].weight }
      for wanted in messages[message].spans where wanted.weight != 1 {
        let found = places(of: wanted.range, in: message)
        guard !found.isEmpty || wanted.range.isEmpty else {
          throw AssistantSpanError(
            template: template, message: message, problem: .spanLost(wanted.range.lowerBound, wanted.range.upperBound))
        }
        for place in found { weights[place] *= wanted.weight }
      }
    }
    return weights
  }

  /// Where the characters of a stretch of a message's content stand.
  private func places(of range: Range<Int>, in message: Int) -> [Int] {
    text.spans.flatMap { span -> Range<Int> in
      guard case .field(let index) = span.source, fields.table[index].message == message,
        fields.table[index].path == "content", let offset = span.offset
      else { return 0..<0 }
      let own = range.clamped(to: offset..<offset + span.end - span.start)
      return span.start + own.lowerBound - offset..<span.start + own.upperBound - offset
    }
  }

  /// What each character of an answer is a part of.
  private func parts(of range: Range<Int>) -> [AnswerPart] {
    var parts = [AnswerPart?](repeating: nil, count: range.count)
    for span in text.spans {
      guard case .field(let index) = span.source, let kind = fields.kind(of: fields.table[index]) else { continue }
      for place in (span.start..<max(span.start, span.end)).clamped(to: range) {
        switch kind {
        case .thought: parts[place - range.lowerBound] = .thought
        case .call: parts[place - range.lowerBound] = .call
        case .answer:
          let thought = fields.table[index].text.endOfThought ?? 0
          let isThought = span.offset.map { $0 + place - span.start < thought } ?? false
          parts[place - range.lowerBound] = isThought ? .thought : .answer
        default: parts[place - range.lowerBound] = AnswerPart.other
        }
      }
    }
    // What the template wrote belongs to what stands beside it.
    var place = 0
    while place < parts.count {
      guard parts[place] == nil else {
        place += 1
        continue
      }
      let start = place
      while place < parts.count, parts[place] == nil { place += 1 }
      let between = range.lowerBound + start..<range.lowerBound + place
      let left = start > 0 ? parts[start - 1] : nil
      let right = place < parts.count ? parts[place] : nil
      for (index, part) in owners(of: between, left: left, right: right) {
        parts[index - range.lowerBound] = part
      }
    }
    return parts.map { $0 ?? .other }
  }

  /// The parts to which a stretch belongs that the template wrote between two of them, or before the first and behind the
  /// last one: tags to the thought or the call that they open or close.
  private func owners(of stretch: Range<Int>, left: AnswerPart?, right: AnswerPart?) -> [(Int, AnswerPart)] {
    func all(_ part: AnswerPart) -> [(Int, AnswerPart)] { stretch.map { ($0, part) } }
    func parted(at end: Int, _ first: AnswerPart, _ second: AnswerPart) -> [(Int, AnswerPart)] {
      stretch.map { ($0, $0 < end ? first : second) }
    }
    switch (left, right) {
    case (nil, let right?): return all(right == .answer ? .other : right)
    case (let left?, nil):
      guard left == .thought || left == .call else { return all(.other) }
      let mark = stretch.first { place in endMarks.contains { text.has($0, at: place) } }
      return parted(at: mark ?? stretch.upperBound, left, .other)
    case (.thought?, .call?):
      let closing: Text = "</think>"
      let end = stretch.last { text.has(closing, at: $0) }.map { $0 + closing.count }
      let line = stretch.first { text.scalars[$0] == "\n" }.map { $0 + 1 }
      return parted(at: end ?? line ?? stretch.lowerBound, .thought, .call)
    case (.thought?, _), (_, .thought?): return all(.thought)
    case (.call?, _), (_, .call?): return all(.call)
    default: return all(.other)
    }
  }
}
