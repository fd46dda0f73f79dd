import PreciseJSON

/// A chat template: a Jinja program that makes one text of a conversation.
///
/// It is rendered as transformers does it (Jinja 3.1, `trim_blocks`, `lstrip_blocks`, loop controls, an immutable
/// sandbox, `raise_exception`, `strftime_now`, transformers' own `tojson`, `{% generation %}`), byte for byte.
///
///     let template = try ChatTemplate(source: source, name: "chat_template.jinja")
///     try template.render([ChatMessage(role: "user", content: "Hi")], addGenerationPrompt: true).text
///
/// Differences, all refused with an error and never rendered otherwise: `include`, `import`, `extends`, `block`,
/// `autoescape`, recursive loops, arithmetic beyond 64 bits, what Python prints with a memory address, and the methods
/// `replace`, `join`, `format` and `swapcase` of a text that `safe` or `escape` marked. Such a mark does what it does in
/// transformers, which renders without autoescape: `+` escapes the other side.
package struct ChatTemplate: Sendable {
  package let name: String
  private let source: TemplateSource
  private let program: Program
  /// Whether the template can tell if the start of the assistant's next message is asked for.
  let asksForPrompt: Bool

  /// Reads a template.
  ///
  /// - Throws: ``TemplateError`` with line and column when the source is not a template.
  package init(source: String, name: String) throws {
    self.name = name
    self.source = TemplateSource(source, name: name)
    asksForPrompt = source.contains("add_generation_prompt")
    program = try Parser.program(of: self.source)
  }

  /// Whether the template marks what the assistant writes by `{% generation %}` blocks.
  package var marksGeneration: Bool { program.hasGenerationBlocks }

  /// Renders a conversation.
  ///
  /// - Parameters:
  ///   - messages: The conversation.
  ///   - tools: A list of tool descriptions, `none` in the template when nil.
  ///   - addGenerationPrompt: Whether the start of the assistant's next message follows.
  ///   - specialTokens: Variables such as `bos_token` and `eos_token`.
  ///   - variables: Further variables, such as `enable_thinking`; they win over the others.
  ///   - clock: What `strftime_now` takes as the present.
  /// - Returns: The text, with notes on where its characters come from.
  /// - Throws: ``TemplateError``
  package func render(
    _ messages: [ChatMessage], tools: JSON? = nil, addGenerationPrompt: Bool = false,
    specialTokens: [String: String] = [:], variables: JSONObject = JSONObject(),
    clock: @escaping @Sendable () -> TemplateClock = TemplateClock.now
  ) throws -> RenderedText {
    let fields = ConversationFields(messages, tools: tools)
    let surroundings = Surroundings(
      tools: fields.tools, specialTokens: specialTokens, variables: variables, clock: clock)
    let text = try render(fields.messages, addGenerationPrompt: addGenerationPrompt, surroundings)
    return RenderedText(
      text: text.string,
      spans: text.spans.compactMap { span in
        guard case .field(let index) = span.source, let message = fields.table[index].message else { return nil }
        return RenderedText.Span(
          range: span.start..<span.end, message: message, field: fields.table[index].path, offset: span.offset)
      },
      generated: text.generated)
  }

  /// What a rendering sees besides the messages.
  struct Surroundings {
    var values: [(name: String, value: Value)]
    var clock: @Sendable () -> TemplateClock

    init(
      tools: Value, specialTokens: [String: String], variables: JSONObject,
      clock: @escaping @Sendable () -> TemplateClock
    ) {
      values = [("tools", tools), ("documents", .none)]
      values += specialTokens.map { ($0.key, .text($0.value)) }
      values += variables.members.map { ($0.key, Value($0.value)) }
      self.clock = clock
    }
  }

  /// Renders messages that are values already.
  ///
  /// - Throws: ``TemplateError``
  func render(_ messages: [Value], addGenerationPrompt: Bool, _ surroundings: Surroundings) throws -> Text {
    let variables: [(name: String, value: Value)] =
      [("messages", .list(messages)), ("add_generation_prompt", .bool(addGenerationPrompt))] + surroundings.values
    let interpreter = Interpreter(program, variables: variables, clock: surroundings.clock)
    do {
      return try interpreter.render()
    } catch let fault as Fault {
      throw source.error(fault, at: interpreter.position)
    }
  }
}

extension Text {
  /// The stretches that `{% generation %}` blocks rendered, in order and without overlaps.
  var generated: [Range<Int>] {
    var result: [Range<Int>] = []
    for span in spans.filter({ $0.source == .generation }).sorted(by: { $0.start < $1.start }) {
      if let last = result.last, span.start <= last.upperBound, span.start < span.end {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, span.end)
      } else if span.start < span.end {
        result.append(span.start..<span.end)
      }
    }
    return result
  }
}
