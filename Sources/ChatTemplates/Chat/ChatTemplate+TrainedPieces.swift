import PreciseJSON

// How the trained part of an assistant message k is found. R(k, g) is the rendering of the messages before k, with the
// generation prompt when g is true; R is the whole rendering.
//
// 1. A template with `{% generation %}` blocks decides by itself.
// 2. If R(k, true) is a prefix of R(k+1, false), and that one a prefix of R, the trained part is the difference: exactly
//    what the model has to write after the text it will see, its end of turn included. For the chatml family this is
//    LLaMA-Factory's assistant slot (content, end token and line end) to the byte.
// 3. Some templates render a message differently once others follow (Qwen 3 drops the thoughts of earlier turns,
//    others add text at the very end), or their generation prompt opens something that a rendered answer lacks. Then
//    provenance decides, in R itself: the part starts right after the text of the generation prompt, or as much of it
//    as stands there, and never after the first character of the answer; it ends where R stops agreeing with
//    R(k+1, false) behind the last character of the answer, where agreeing means same characters from the same literal
//    of the template (by characters alone the shared `<` of two different tags would count as agreement).
//    So the visible answer is trained, also where its thoughts were dropped; ``AssistantSpan/method`` tells such parts
//    from the exact ones.
// 4. A template can put the same words elsewhere once more messages follow (Mistral's writes the system text before the
//    last question). Where the text up to the message is not how the whole starts, but is how the text with the message
//    starts, what the template writes between the two is looked for right before the answer.
// 5. A generation prompt that opens something by tags (`<think>`) where the answer is rendered with other ones: the part
//    starts where both still agree. An answer without thoughts that is rendered as `</think>answer` is learned from
//    that tag on, which is what the model has to write there.
// 6. Some answers go on right where the text before them ends, without the generation prompt (Apertus and Gemma 4 behind what
//    a tool said): they start there. A name that stands in the header in place of the role is told by the same conversation
//    without it. And where the generation prompt and the whole share the beginning of a header, and both stop writing one
//    piece of the template there (Apriel's `Here are my reasoning steps:` against a call), the part starts behind it.
// 7. A template that writes the generation prompt behind every conversation, asked or not (Command R7B), says so by
//    literals at the end that stand nowhere else; they are no part of the last answer.
// 8. Where something of another message stands inside the answer (Gemma 4 writes what a tool said between a call and the
//    words beside it), and what none of this finds, is an error; nothing is guessed.
//
// An end mark that stands right behind a part, because the template writes it before the next question, belongs to it.
//
// Cost: two renderings for each assistant message and one of the whole.
extension ChatTemplate {
  /// The rendered conversation cut into alternating trained and untrained pieces; their texts make up the whole.
  ///
  /// - Throws: ``TemplateError``, ``AssistantSpanError``
  package func trainedPieces(
    _ messages: [ChatMessage], tools: JSON? = nil, specialTokens: [String: String] = [:],
    variables: JSONObject = JSONObject(), clock: @escaping @Sendable () -> TemplateClock = TemplateClock.now
  ) throws -> [TextPiece] {
    try trained(messages, tools: tools, specialTokens: specialTokens, variables: variables, clock: clock).pieces
  }

  /// The rendered conversation with what is trained of it.
  ///
  /// Trained is, for every assistant message that is to be learned, the answer with its end of turn, without what the
  /// generation prompt supplies.
  ///
  /// - Parameters:
  ///   - endMarks: The texts of the tokens that end an answer.
  ///   - weights: What parts of answers count; the weights of messages and their spans multiply them.
  /// - Throws: ``TemplateError``, ``AssistantSpanError``
  package func trained(
    _ messages: [ChatMessage], tools: JSON? = nil, specialTokens: [String: String] = [:],
    variables: JSONObject = JSONObject(), endMarks: [String] = [],
    weights: AnswerWeights = AnswerWeights(),
    clock: @escaping @Sendable () -> TemplateClock = TemplateClock.now
  ) throws -> TrainedText {
    let (fields, text, spans) = try located(messages, tools, specialTokens, variables, clock)
    var pieces: [TextPiece] = []
    var position = 0
    func append(_ range: Range<Int>, isTrained: Bool) {
      guard !range.isEmpty else { return }
      let part = text[range].string
      if let last = pieces.last, last.isTrained == isTrained {
        pieces[pieces.count - 1].text += part
      } else {
        pieces.append(TextPiece(text: part, isTrained: isTrained))
      }
    }
    let marks = endMarks.map { Text($0) }
    var marksBeforeNext = false
    for span in spans {
      var end = max(position, span.range.upperBound)
      if let mark = text.mark(of: marks, behind: span.range) {
        marksBeforeNext = true
        end += mark.count
      }
      append(position..<max(position, span.range.lowerBound), isTrained: false)
      append(max(position, span.range.lowerBound)..<end, isTrained: true)
      position = end
    }
    append(position..<text.count, isTrained: false)
    let weighing = AnswerWeighing(
      messages: messages, fields: fields, text: text, rules: weights, endMarks: marks, template: name)
    if weighing.hasEffect { try pieces.weigh(by: weighing.weights(spans)) }
    return TrainedText(
      pieces: pieces, arrivals: ArrivalCount(of: fields, in: text).arrivals(), marksBeforeNext: marksBeforeNext)
  }

  /// Where the assistant's messages are in the rendered conversation, and how that was found.
  ///
  /// - Throws: ``TemplateError``, ``AssistantSpanError``
  package func assistantSpans(
    _ messages: [ChatMessage], tools: JSON? = nil, specialTokens: [String: String] = [:],
    variables: JSONObject = JSONObject(), clock: @escaping @Sendable () -> TemplateClock = TemplateClock.now
  ) throws -> [AssistantSpan] {
    try located(messages, tools, specialTokens, variables, clock).spans
  }

  private func located(
    _ messages: [ChatMessage], _ tools: JSON?, _ specialTokens: [String: String], _ variables: JSONObject,
    _ clock: @escaping @Sendable () -> TemplateClock
  ) throws -> (fields: ConversationFields, text: Text, spans: [AssistantSpan]) {
    // One present for all renderings: a minute that passes between two of them must not part them.
    let present = clock()
    let fields = ConversationFields(messages, tools: tools)
    let surroundings = Surroundings(
      tools: fields.tools, specialTokens: specialTokens, variables: variables, clock: { present })
    let whole = try render(fields.messages, addGenerationPrompt: false, surroundings)
    if marksGeneration {
      // A block without anything of a message, such as an end mark alone, belongs to the one before.
      var message: Int?
      let spans = whole.generated.map { range in
        let owner = whole.spans.first { span in
          guard case .field(let index) = span.source else { return false }
          return fields.isAnswer(index) && range.contains(span.start)
        }
        if case .field(let index) = owner?.source { message = fields.table[index].message }
        return AssistantSpan(message: message, range: range, method: .generationBlock)
      }
      return (fields, whole, spans.filter { $0.message.map { messages[$0].isLearned } ?? true })
    }
    let search = AnswerSearch(template: self, fields: fields, surroundings: surroundings, whole: whole)
    let learned = messages.indices.filter { messages[$0].role == "assistant" && messages[$0].isLearned }
    return (fields, whole, try learned.map(search.span))
  }
}

extension [TextPiece] {
  /// Gives the trained pieces of a text what its characters count.
  fileprivate mutating func weigh(by weights: [Double]) {
    var place = 0
    for index in indices {
      var byte = 0
      for scalar in self[index].text.unicodeScalars {
        let end = byte + UTF8.width(scalar)
        if self[index].isTrained { self[index].weigh(byte..<end, by: weights[place]) }
        byte = end
        place += 1
      }
    }
  }
}

extension Text {
  /// The one of `marks` that a template wrote right behind the stretch; nil when the stretch ends in one already.
  fileprivate func mark(of marks: [Text], behind stretch: Range<Int>) -> Text? {
    let end = stretch.upperBound
    guard let mark = marks.first(where: { has($0, at: end) }) else { return nil }
    let trained = self[stretch].stripped(left: false)
    if trained.isEmpty || marks.contains(where: { trained.hasSuffix($0) }) { return nil }
    // What a message says is no mark of the template.
    return spans.contains { $0.source.isField && $0.start <= end && end < $0.end } ? nil : mark
  }
}
