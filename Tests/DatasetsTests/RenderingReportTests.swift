import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import Testing

/// What a template leaves out of rows is said, with counts and the first row.
@Suite struct RenderingReportTests {
  private static let tools: JSON = [["type": "function", "function": ["name": "weather", "description": "Degrees"]]]
  private static let chatML =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

  private func report(_ source: String, _ records: [Record]) throws -> RenderingReport {
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(try ChatTemplate(source: source, name: "t")), specialTokens: [:],
      endMarks: ["</s>", "<|im_end|>"])
    var report = RenderingReport()
    for (index, record) in records.enumerated() {
      do {
        report.add(try renderer.render(record), row: index + 1)
      } catch let error as any DiagnosticError {
        report.fail(error, row: index + 1)
      }
    }
    return report
  }

  private func errors(_ source: String, _ records: [Record]) throws -> String {
    do {
      try report(source, records).throwIfAny(file: "rows")
      return ""
    } catch let error as any DiagnosticError { return error.diagnostics.rendered() }
  }

  private func chat(_ messages: ChatMessage..., tools: JSON? = nil) -> Record {
    .conversation(Conversation(messages: messages, tools: tools))
  }

  private let question = ChatMessage(role: "user", content: "How warm?")
  private let answer = ChatMessage(role: "assistant", content: "It is 11 degrees.")
  private let call = ChatMessage(
    role: "assistant", content: "",
    toolCalls: [["function": ["name": "weather", "arguments": ["city": "Bergen"]]]])

  @Test func aTemplateWithoutToolsIsRefused() throws {
    let rows = [chat(question, answer), chat(question, call, answer, tools: Self.tools), chat(question, call, answer)]
    #expect(
      try errors(Self.chatML, rows) == """
        rows, row 2: error: 1 of 1 rows with tools lose them: the chat template prints none
          why: the model would learn to call functions that it was never told of
          try: use a template that knows `tools`, or leave them out of the rows
        rows, row 2: error: 2 answers in 2 rows make calls that arrive nowhere: the chat template does not print \
        `tool_calls`
          why: the model would learn to say nothing where it should call a function
          try: use a template that knows `tool_calls`, or write the calls into the text of the answers
        """)
  }

  @Test func anAnswerThatIsLeftOutIsRefused() throws {
    let source = Self.chatML.replacing("m.content", with: "m.content if 'x' not in m.content")
    let silent = ChatMessage(role: "assistant", content: "x")
    #expect(
      try errors(source, [chat(question, answer), chat(question, silent), chat(question, silent, question, silent)])
        == """
        rows, row 2: error: Nothing arrives of 3 answers in 2 rows: the chat template leaves them out
          why: what is not in the rendered conversation cannot be learned
          try: leave these messages out, or use a template that renders them
        """)
  }

  @Test func rowsThatATemplateRefusesAreOneProblemAReason() throws {
    let source =
      "{% if messages[0].role != 'user' %}{{ raise_exception('begin with the user') }}{% endif %}" + Self.chatML
    #expect(
      try errors(source, [chat(answer), chat(question, answer), chat(answer, question, answer)]) == """
        rows, row 1: error: The row cannot be rendered: The chat template refuses these messages: begin with the user
          see: t:1:54: raised here
          see: rows: and 1 more row for the same reason
        """)
  }

  @Test func lostThoughtsAndTextsAreCounted() throws {
    let source = Self.chatML.replacing("m.content", with: "m.content.split('</think>')[-1]")
    let thinking = ChatMessage(role: "assistant", content: "<think>\nhm\n</think>\nYes")
    let system = ChatMessage(role: "system", content: "Be kind")
    let found = try report(source, [chat(question, answer), chat(system, question, thinking, question, thinking)])
    #expect(
      found.warnings(file: "rows").rendered() == """
        rows, row 2: warning: 2 of 2 answers lose their thoughts: the chat template cuts them
          why: 4 of 4 characters of thoughts do not arrive
          try: use a template that prints them if they shall be learned
        """)
    #expect(found.json["arrival"]?["thought"]?["lost_characters"]?.int == 4)
    #expect(found.json["arrival"]?["answer"]?["lost_characters"]?.int == 0)
    #expect(found.json["arrival"]?["thought"]?["first_row"]?.int == 2)
    let plain = "{% for m in messages if m.role != 'system' %}{{ m.content }}</s>{% endfor %}"
    #expect(
      try report(plain, [chat(system, question, answer)]).warnings(file: "rows").map(\.summary) == [
        "1 of 1 system texts are not wholly printed: the chat template cuts them"
      ])
  }

  @Test func anAnswerWithoutAnEndMarkIsSaid() throws {
    let plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n\n{% endfor %}"
    let rows = [chat(question, answer), chat(question, answer, question, answer)]
    #expect(
      try report(plain, rows).warnings(file: "rows").rendered() == """
        rows, row 1: warning: 2 of 2 rows end in no end mark
          why: the last answer of the first ends in `ant: It is 11 degrees.\\n\\n`, and the model will not learn to stop \
        there
          try: use a template that writes the model's end mark after every answer
        """)
    #expect(try report(Self.chatML, rows).warnings(file: "rows").isEmpty)
  }

  @Test func anEndMarkBeforeTheNextQuestionIsLearned() throws {
    let next =
      "{% for m in messages %}{% if m.role == 'user' %}{% if not loop.first %}</s>{% endif %}<|user|>{{ m.content }}"
      + "<|assistant|>{% else %}{{ m.content }}{% endif %}{% endfor %}"
    let rows = [chat(question, answer, question, answer)]
    #expect(
      try report(next, rows).warnings(file: "rows").map(\.summary) == [
        "In 1 of 1 rows the end mark of an answer stands only before the next question",
        "1 of 1 rows end in no end mark",
      ])
    let template = try ChatTemplate(source: next, name: "t")
    let messages = [question, answer, question, answer]
    let pieces = try template.trained(messages, endMarks: ["</s>"]).pieces
    #expect(pieces.filter(\.isTrained).map(\.text) == ["It is 11 degrees.</s>", "It is 11 degrees."])
  }

  @Test func namedTemplatesAreChosenByTools() throws {
    let set = try ChatTemplateSet([("default", "D"), ("rag", "{{"), ("tool_use", "T")])
    #expect(try set.template(hasTools: false).render([]).text == "D")
    #expect(try set.template(hasTools: true).render([]).text == "T")
    let none = try ChatTemplateSet([("rag", "R"), ("tool_use", "T")])
    let error = #expect(throws: ChatTemplateChoiceError.self) { try none.template(hasTools: false) }
    #expect(
      error?.diagnostics.rendered() == """
        error: None of the tokenizer's chat templates is named `default`
          why: there are [`rag`, `tool_use`], and the conversation names none of them
          try: put a `chat_template.jinja` beside the tokenizer's files, or name a Jinja file where a `template` can be \
        named
        """)
  }
}
