import ChatTemplates
import Datasets
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// What reaches a template of a row, and what of its text is learned.
@Suite struct RenderingTests {
  private static let chatml = """
    {% for m in messages %}<{{ m.role }}{{ ' ' ~ m.name if m.name }}>\
    {% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}{{ m.content }}\
    {% for c in m.tool_calls or [] %}[{{ c.id }} {{ c.function.name }} {{ c.function.arguments | tojson }}]{% endfor %};\
    {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
    """

  /// The pieces of a row by a template, the learned ones in brackets.
  private func render(_ row: String, format: RowFormat = .messages, template: String = Self.chatml) throws -> [String] {
    let object = try JSON(parsing: row).object ?? JSONObject()
    var tally = ColumnTally()
    let record = try RecordReader(format, file: "d").record(
      SourceRow(file: "d", number: 1, columns: object), tally: &tally)
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(try ChatTemplate(source: template, name: "t")), specialTokens: [:], endMarks: [])
    func text(_ pieces: [TextPiece]) -> String {
      pieces.map { $0.isTrained ? "⟦\($0.text)⟧" : $0.text }.joined()
    }
    switch try renderer.render(record).record {
    case .sample(let pieces): return [text(pieces)]
    case .pair(let prompt, let chosen, let rejected, _): return [text(prompt), text(chosen), text(rejected)]
    case .judged(let prompt, let answer, _): return [text(prompt), text(answer)]
    case .prompt(let pieces, _): return [text(pieces)]
    }
  }

  private static let q = #"{"role":"user","content":"Q"}"#

  @Test(arguments: ["reasoning_content", "thinking", "reasoning"]) func thoughtsUnderEachName(name: String) throws {
    #expect(
      try render(#"{"messages":[\#(Self.q),{"role":"assistant","content":"A","\#(name)":"T"}]}"#)
        == ["<user>Q;<assistant>⟦(T)A;⟧"])
  }

  @Test func namesAndIdsOfCalls() throws {
    #expect(
      try render(
        #"{"messages":[\#(Self.q),{"role":"assistant","content":"","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"x\":1}"}}]},"#
          + #"{"role":"tool","name":"f","content":"7"},{"role":"assistant","content":"A"}]}"#)
        == [#"<user>Q;<assistant>⟦[c1 f {"x": 1}];⟧<tool f>7;<assistant>⟦A;⟧"#])
  }

  @Test(arguments: [false, true]) func turnsThatAreNotLearned(marksGeneration: Bool) throws {
    let template =
      marksGeneration
      ? """
      {% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}\
      {% generation %};{% endgeneration %}{% else %}{{ m.content }};{% endif %}{% endfor %}
      """ : Self.chatml
    #expect(
      try render(
        #"{"messages":[\#(Self.q),{"role":"assistant","content":"A","weight":0},\#(Self.q),{"role":"assistant","content":"B"}]}"#,
        template: template) == ["<user>Q;<assistant>A;<user>Q;<assistant>⟦B;⟧"])
  }

  /// An answer of several messages is compared in what the assistant says.
  @Test func answersOfSeveralMessages() throws {
    let row =
      #"{"chosen":[\#(Self.q),{"role":"assistant","content":"A"},\#(Self.q),{"role":"assistant","content":"B"}],"#
      + #""rejected":[\#(Self.q),{"role":"assistant","content":"C"}]}"#
    #expect(
      try render(row, format: .preference) == ["<user>Q;<assistant>", "⟦A;⟧<user>Q;<assistant>⟦B;⟧", "⟦C;⟧"])
    let pair = RenderedRecord.pair(
      prompt: [TextPiece(text: "p", isTrained: false)],
      chosen: [
        TextPiece(text: "a", isTrained: true), TextPiece(text: "b", isTrained: false),
        TextPiece(text: "c", isTrained: true),
      ], rejected: [TextPiece(text: "d", isTrained: true)])
    let worker = GroupTokenizer(
      tokenizer: try Tokenizer.load(path: fixture("Command/tiny")),
      options: .init(maxLength: 100, overlong: .error, packs: false, split: ValidationSplit(share: 0)))
    let tokens = try worker.tokenize(lines: [pair.line(RecordHash(line: ""))], isText: false, firstRow: 1, file: "d")
      .train
    #expect(tokens.first?.sequences.map(\.lossMask) == [[false, true, false, true], [false, true]])
  }

  @Test func partsAreJoinedForTemplatesThatTakeStrings() throws {
    let row =
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"Q"},{"type":"text","text":"R"}]},"#
      + #"{"role":"assistant","content":[{"type":"thinking","thinking":"T"},{"type":"text","text":"A"}]}]}"#
    #expect(try render(row) == ["<user>QR;<assistant>⟦(T)A;⟧"])
    let parts = """
      {% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}\
      {{ p.text if p.type == 'text' else '(' ~ p.thinking ~ ')' }}{{ '|' if not loop.last }}{% endfor %}{% endif %};\
      {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
      """
    #expect(try render(row, template: parts) == ["<user>Q|R;<assistant>⟦(T)|A;⟧"])
  }
}
