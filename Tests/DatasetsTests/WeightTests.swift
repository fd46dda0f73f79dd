import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// What the tokens of answers count, by messages, spans and rules.
@Suite("Weights of tokens")
struct WeightTests {
  private static let template = """
    {% for m in messages %}<{{ m.role }}>\
    {% if m.reasoning_content %}<think>
    {{ m.reasoning_content }}
    </think>

    {% endif %}{{ m.content | trim }}\
    {% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": \
    {{ c.function.arguments | tojson }}}</tool_call>{% endfor %}<end>
    {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
    """

  private static let q = #"{"role":"user","content":"Q"}"#

  private func rendered(_ answer: String, _ rules: WeightRules = WeightRules(), template: String = Self.template) throws
    -> RenderedRecord
  {
    let object = try JSON(parsing: #"{"messages":[\#(Self.q),\#(answer)]}"#).object ?? JSONObject()
    var tally = ColumnTally()
    let record = try RecordReader(.messages, file: "d").record(
      SourceRow(file: "d", number: 1, columns: object), tally: &tally)
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(try ChatTemplate(source: template, name: "t")), specialTokens: [:],
      endMarks: ["<end>"], weights: rules)
    let found = try renderer.render(try #require(Record(json: record.json))).record
    // As a group stores it.
    let line = try JSON(parsing: found.line(RecordHash(line: "")))
    #expect(RenderedRecord.read(line: line)?.record == found)
    return found
  }

  /// The learned pieces as stretches with what they count.
  private func shown(_ record: RenderedRecord) -> [String] {
    guard case .sample(let pieces) = record else { return [] }
    return pieces.filter(\.isTrained).map { piece in
      let bytes = Array(piece.text.utf8)
      var start = 0
      return (piece.weights.isEmpty ? [.init(end: bytes.count, weight: 1)] : piece.weights).map { stretch in
        defer { start = stretch.end }
        return
          "\(JSON(stretch.weight).text().replacing(/\.0$/, with: ""))⟦\(String(decoding: bytes[start..<stretch.end], as: UTF8.self))⟧"
      }.joined()
    }
  }

  private func rules(_ change: (inout WeightRules) throws -> Void) rethrows -> WeightRules {
    var rules = WeightRules()
    try change(&rules)
    return rules
  }

  @Test func messagesAndSpans() throws {
    #expect(try shown(rendered(#"{"role":"assistant","content":"A"}"#)) == ["1⟦A<end>\n⟧"])
    #expect(try shown(rendered(#"{"role":"assistant","content":"A","weight":0.5}"#)) == ["0.5⟦A<end>\n⟧"])
    // Characters of the content, which the template trims; spans multiply the message and each other.
    #expect(
      try shown(
        rendered(
          #"{"role":"assistant","content":" né is 42","weight":2,"spans":[{"start":7,"end":9,"weight":3},{"start":0,"end":3,"weight":0},{"start":8,"end":9,"weight":0.5}]}"#
        )) == ["0⟦né⟧2⟦ is ⟧6⟦4⟧3⟦2⟧2⟦<end>\n⟧"])
    let error = #expect(throws: AssistantSpanError.self) {
      try rendered(
        #"{"role":"assistant","content":" A","spans":[{"start":0,"end":1,"weight":2}]}"#)
    }
    #expect(
      error?.diagnostics[0].summary
        == "The characters 0 to 1 of message 2, which have a weight, are not in the text of the chat template `t`")
  }

  @Test func partsOfAnswers() throws {
    let call = #""tool_calls":[{"type":"function","function":{"name":"f","arguments":{"x":"1"}}}]"#
    let parts = rules {
      $0.parts.thoughts = 0
      $0.parts.toolCalls = 2
      $0.parts.answers = 0.5
    }
    #expect(
      try shown(rendered(#"{"role":"assistant","reasoning_content":"T","content":"A",\#(call)}"#, parts)) == [
        "0⟦<think>\nT\n</think>\n\n⟧0.5⟦A⟧2⟦<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": \"1\"}}</tool_call>⟧1⟦<end>\n⟧"
      ])
    #expect(
      try shown(rendered(#"{"role":"assistant","reasoning_content":"T","content":"",\#(call)}"#, parts)) == [
        "0⟦<think>\nT\n</think>⟧2⟦\n\n<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": \"1\"}}</tool_call>⟧1⟦<end>\n⟧"
      ])
    // Thoughts that stand in the content.
    #expect(
      try shown(rendered(#"{"role":"assistant","content":"<think>T</think>A","weight":2}"#, parts)) == [
        "0⟦<think>T</think>⟧1⟦A⟧2⟦<end>\n⟧"
      ])
  }

  @Test func patterns() throws {
    let both = try rules {
      try $0.add("(?<=#### ).*=5")
      try $0.add("[0-9]+=2")
    }
    #expect(
      try shown(rendered(#"{"role":"assistant","content":"3 is\n#### 3é\n4"}"#, both)) == [
        "2⟦3⟧1⟦ is\n#### ⟧10⟦3⟧5⟦é⟧1⟦\n⟧2⟦4⟧1⟦<end>\n⟧"
      ])
    for (entry, reason) in [("a", "behind its last `=`"), ("a=-1", "behind its last `=`"), ("(=2", "at byte")] {
      let error = #expect(throws: WeightRuleError.self) { try rules { try $0.add(entry) } }
      #expect(error?.reason.contains(reason) == true)
    }
  }

  /// Of real tokenizers, byte-level and SentencePiece, each token counts what its first character does, spaces aside.
  @Test(arguments: ["Command/tiny"])
  func tokens(name: String) throws {
    let tokenizer = try Tokenizer.load(path: fixture(name))
    func row(_ pieces: [TextPiece], _ limit: Int = 100) throws -> TokenSequence? {
      let worker = GroupTokenizer(
        tokenizer: tokenizer,
        options: .init(maxLength: limit, overlong: .truncate, packs: false, split: ValidationSplit(share: 0)))
      let line = RenderedRecord.sample(pieces).line(RecordHash(line: ""))
      return try worker.tokenize(lines: [line], isText: false, firstRow: 1, file: "d").train.first?.sequences.first
    }
    var piece = TextPiece(text: "the answer is 42 née", isTrained: true)
    let plain = try #require(try row([TextPiece(text: "Q:", isTrained: false), piece]))
    #expect(plain.weights.isEmpty)
    // " 42" is worth 3, "née" nothing.
    piece.weigh(14..<16, by: 3)
    piece.weigh(17..<21, by: 0)
    let weighted = try #require(try row([TextPiece(text: "Q:", isTrained: false), piece]))
    // Weights change no token.
    #expect(weighted.ids == plain.ids)
    var seen: [Float: String] = [:]
    for (index, id) in weighted.ids.enumerated() {
      let weight = weighted.lossMask[index] ? weighted.weights[index] : -1
      seen[weight, default: ""] += try tokenizer.decode([id], skipsSpecialTokens: false)
    }
    #expect(seen[3]?.contains("42") == true && seen[1]?.contains("answer") == true)
    #expect(seen[-1]?.hasPrefix("Q:") == true && seen[-1]?.contains("n") == true)
    #expect(weighted.labelCount < plain.labelCount && weighted.labelWeight > 0)
    // Cut, the weights stay with their tokens.
    let cut = try #require(try row([TextPiece(text: "Q:", isTrained: false), piece], weighted.ids.count - 1))
    #expect(cut.weights == Array(weighted.weights.prefix(cut.ids.count)))
  }
}
