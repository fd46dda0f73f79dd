import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// Rows of KTO, margins of pairs, and prompts alone: from the file to tokens.
@Suite struct JudgedRowTests {
  /// The records of rows, or the words of what is wrong with them.
  private func read(
    _ rows: String, format: RowFormat? = nil, ignored: [String] = [], columns: [Column: String] = [:]
  ) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "d.jsonl")
    var map = ColumnMap()
    for (column, name) in columns { map[column] = name }
    do {
      let records = try load(path, format: format, columns: map, ignored: ignored).records
      for record in records { #expect(Record(json: record.json)?.json == record.json) }
      return records.map { $0.json.text() }.joined(separator: "\n")
    } catch let error as any DiagnosticError {
      return error.diagnostics.rendered().replacing(path, with: "FILE")
    }
  }

  private static let q = #"{"role":"user","content":"Q"}"#
  private static let a = #"{"role":"assistant","content":"A"}"#
  private static let b = #"{"role":"assistant","content":"B"}"#
  private static let s = #"{"role":"system","content":"S"}"#
  private static let call =
    #"{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]}"#
  private static let readCall =
    #"{"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f","arguments":{}}}]}"#
  private static let result = #"{"role":"tool","content":"7"}"#
  private static let tool = #"{"type":"function","function":{"name":"f"}}"#
  private static let plain = #"{"messages":[\#(q)],"answer":\#(a),"wanted":"#
  private static let judged = #"{"messages":[\#(q)],"answer":\#(a),"wanted":L}"#

  @Test(
    arguments: [
      // TRL's, as texts and as messages.
      (#"{"prompt":"Q","completion":"A","label":L}"#, judged),
      (#"{"prompt":[\#(q)],"completion":[\#(a)],"label":L}"#, judged),
      (
        #"{"prompt":[\#(s),\#(q)],"completion":[\#(call),\#(result),\#(a)],"tools":[\#(tool)],"label":L}"#,
        #"{"messages":[\#(s),\#(q)],"tools":[\#(tool)],"answer":[\#(readCall),\#(result),\#(a)],"wanted":L}"#
      ),
      // LLaMA-Factory's: alpaca and ShareGPT; earlier turns are the prompt.
      (#"{"instruction":"Q","input":"","output":"A","kto_tag":L}"#, judged),
      (
        #"{"instruction":"Q","output":"A","history":[["H","I"]],"system":"S","kto_tag":L}"#,
        #"{"messages":[\#(s),{"role":"user","content":"H"},{"role":"assistant","content":"I"},\#(q)],"answer":\#(a),"wanted":L}"#
      ),
      (#"{"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"A"}],"kto_tag":L}"#, judged),
      // A list of messages: the answer is what the assistant says last.
      (#"{"messages":[\#(q),\#(a)],"label":L}"#, judged),
      (
        #"{"messages":[\#(q),\#(call),\#(result),\#(a),\#(b)],"label":L}"#,
        #"{"messages":[\#(q),\#(readCall),\#(result)],"answer":[\#(a),\#(b)],"wanted":L}"#
      ),
      // A turn of the prompt that is marked not to be learned: none of them is.
      (
        #"{"messages":[\#(q),{"role":"assistant","content":"B","loss":false},\#(q),\#(a)],"label":L}"#,
        #"{"messages":[\#(q),\#(b),\#(q)],"answer":\#(a),"wanted":L}"#
      ),
      // What says again what the row says.
      (#"{"messages":[\#(q),\#(a)],"prompt":"Q","label":L}"#, judged),
    ], ["true", "false"])
  func layouts(row: (row: String, expected: String), label: String) throws {
    let (text, expected) = (
      row.row.replacing(":L}", with: ":\(label)}"), row.expected.replacing(":L}", with: ":\(label)}")
    )
    #expect(try read(text) == expected)
    #expect(try read(text, format: .judged) == expected)
  }

  @Test(arguments: [
    ("1", "a number"), ("0", "a number"), ("0.5", "a number"), (#""true""#, "a string"), (#""good""#, "a string"),
    ("{}", "an object"), ("[true]", "a list"),
  ])
  func labelsThatAreNone(label: String, kind: String) throws {
    for row in [
      #"{"prompt":"Q","completion":"A","label":\#(label)}"#,
      #"{"messages":[\#(Self.q),\#(Self.a)],"label":\#(label)}"#,
      #"{"instruction":"Q","output":"A","label":\#(label)}"#,
    ] {
      let words = """
        error: Column `label` is \(kind) where `true` or `false` is needed
          at `label`
          why: it says whether the answer is one to give or one to avoid
          try: write `true` or `false`; where the column means something else, name it in `ignore_columns`
        """
      #expect(try read(row) == "FILE:1, row 1: " + words)
      let good = #"{"prompt":"Q","completion":"A","label":false}"#
      #expect(try read(good + "\n" + row) == "FILE:2, row 2: " + words)
      #expect(try read(row, ignored: ["label"]) == #"{"messages":[\#(Self.q),\#(Self.a)]}"#)
    }
  }

  @Test(arguments: [
    (
      #"{"prompt":"Q","completion":"A","label":null}"#,
      "Column `label` is empty\n  at `label`\n  try: fill it or remove the row"
    ),
    (
      #"{"prompt":"Q","completion":"A"}"#,
      """
      The row has no column `label`, which format `judged` needs
        at `label`
        why: its columns are [`prompt`, `completion`]
      """
    ),
    (
      #"{"prompt":"Q","completion":"A","label":true,"kto_tag":false}"#,
      """
      The columns [`label`, `kto_tag`] both stand for the label, and differ
        at `label`
        try: say which one is meant with `columns: {label: label}`, and name the other in `ignore_columns`
      """
    ),
    (
      #"{"prompt":"Q","label":true}"#,
      """
      The row has a label and no answer
        why: its columns are [`prompt`, `label`]
        try: a row has `messages`, `prompt` and `completion`, or `instruction` and `output`
      """
    ),
    (
      #"{"prompt":"Q","completion":"","label":true}"#,
      "Column `completion` is empty\n  at `completion`\n  try: fill it or remove the row"
    ),
    (
      #"{"messages":[\#(s),\#(a)],"label":true}"#,
      "The answer has no prompt\n  at `messages`\n  why: nobody says anything before it\n  try: put the question before it"
    ),
    (
      #"{"prompt":[\#(q),\#(a)],"completion":"B","label":true}"#,
      "A message of role `assistant` stands where a user message last is expected\n  at `prompt`"
    ),
    (
      #"{"prompt":"Q","completion":[\#(q),\#(a)],"label":true}"#,
      "A message of role `user` stands where an assistant message is expected\n  at `completion`"
    ),
    (
      #"{"messages":[\#(q),{"role":"assistant","content":"A","train":false}],"label":true}"#,
      """
      The answer is marked not to be learned
        at `messages`
        why: the label judges the whole answer
        try: take the mark out
      """
    ),
    (
      #"{"messages":[\#(q),\#(a),\#(q)],"label":true}"#,
      """
      The row has no answer to learn from
        at `messages`
        why: the last message is not the assistant's
        try: end the conversation with an assistant message, or remove the row
      """
    ),
  ])
  func rowsThatAreNone(row: String, words: String) throws {
    let good = #"{"prompt":"Q","completion":"A","label":false}"#
    #expect(try read(good + "\n" + row) == "FILE:2, row 2: error: " + words)
  }

  /// What the label of a file is called, and what else a column of the name may mean.
  @Test func whereTheLabelStands() throws {
    let row = #"{"prompt":"Q","completion":"A","good":false}"#
    #expect(try read(row, columns: [.label: "good"]) == Self.plain + "false}")
    #expect(
      try read(#"{"prompt":"Q","completion":"A"}"# + "\n" + row, columns: [.label: "good"]).contains(
        "FILE:1, row 1: error: The row has no column `good`, which format `judged` needs"))
    // Classes of texts are no judgements.
    #expect(try read(#"{"text":"T","label":1}"#) == #"{"text":"T"}"#)
    // A row of another column that means something.
    #expect(
      try read(#"{"messages":[\#(Self.q),\#(Self.a)],"prompt":"P","label":true}"#).contains(
        "Column `prompt` says something that format `judged` does not read, in 1 rows"))
  }

  /// Read as conversations, rows with the label `true` are examples, and others are refused.
  @Test func labelsOfConversations() throws {
    for label in ["true", "1", #""true""#] {
      for row in [
        #"{"prompt":"Q","completion":"A","label":\#(label)}"#, #"{"prompt":"Q","completion":"A","kto_tag":\#(label)}"#,
      ] { #expect(try read(row, format: .promptCompletion) == #"{"messages":[\#(Self.q),\#(Self.a)]}"#) }
    }
  }

  @Test(arguments: [
    (#""margin":0.25"#, #","margin":0.25"#), (#""margin":2"#, #","margin":2.0"#),
    (#""margin":-1e-3"#, #","margin":-0.001"#),
    // None is none.
    (#""margin":0"#, ""), (#""margin":null"#, ""), (#""id":1"#, ""),
  ])
  func margins(column: String, expected: String) throws {
    let pair = #"{"messages":[\#(Self.q)],"chosen":\#(Self.a),"rejected":\#(Self.b)"#
    #expect(try read(#"{"prompt":"Q","chosen":"A","rejected":"B",\#(column)}"#) == pair + expected + "}")
  }

  @Test func theMarginUnderAnotherName() throws {
    #expect(
      try read(#"{"prompt":"Q","chosen":"A","rejected":"B","gap":0.25}"#, columns: [.margin: "gap"])
        == #"{"messages":[\#(Self.q)],"chosen":\#(Self.a),"rejected":\#(Self.b),"margin":0.25}"#)
  }

  @Test(arguments: [
    (#""1""#, "Column `margin` is a string where a number is needed\n  at `margin`"),
    (#""NaN""#, "Column `margin` is a string where a number is needed\n  at `margin`"),
    ("true", "Column `margin` is a boolean where a number is needed\n  at `margin`"),
    ("1e999", "Column `margin` is 1e999, which a number of 32 bits does not hold\n  at `margin`"),
    ("-4e38", "Column `margin` is -4e38, which a number of 32 bits does not hold\n  at `margin`"),
  ])
  func marginsThatAreNone(margin: String, words: String) throws {
    let rows = #"{"prompt":"Q","chosen":"A","rejected":"B"}"# + "\n"
    #expect(
      try read(rows + #"{"prompt":"Q","chosen":"A","rejected":"B","margin":\#(margin)}"#)
        == "FILE:2, row 2: error: " + words)
  }

  /// JSON has no such numbers; Python writes them.
  @Test(arguments: ["NaN", "Infinity", "-Infinity"]) func marginsThatAreNoJSON(margin: String) throws {
    let words = try read(#"{"prompt":"Q","chosen":"A","rejected":"B","margin":\#(margin)}"#)
    #expect(words.hasPrefix("FILE:1:"), "\(words)")
  }

  @Test(arguments: [
    (#"{"prompt":"Q"}"#, #"{"prompt":{"messages":[\#(q)]}}"#),
    (#"{"question":"Q","id":3}"#, #"{"prompt":{"messages":[\#(q)]}}"#),
    (
      #"{"prompt":[\#(q),\#(a),\#(q)],"system":"S","tools":[\#(tool)]}"#,
      #"{"prompt":{"messages":[\#(s),\#(q),\#(a),\#(q)],"tools":[\#(tool)]}}"#
    ),
    (
      #"{"prompt":[\#(q),\#(a)]}"#,
      """
      FILE:1, row 1: error: A message of role `assistant` stands where a user message last is expected
        at `prompt`
      """
    ),
    (
      #"{"prompt":""}"#,
      "FILE:1, row 1: error: Column `prompt` is empty\n  at `prompt`\n  try: fill it or remove the row"
    ),
  ])
  func prompts(row: String, expected: String) throws {
    #expect(try read(row) == expected)
  }

  /// An answer that is null, or one of two that is not there, makes no prompt of a row.
  @Test(arguments: [
    #"{"prompt":"Q","completion":null}"#, #"{"prompt":"Q","chosen":"A"}"#, #"{"prompt":"Q","response":null}"#,
  ])
  func rowsWithoutTheirAnswer(row: String) throws {
    #expect(try read(row).contains("The format of the dataset cannot be told from its columns"))
  }

  @Test func promptsWithAnAnswer() throws {
    #expect(
      try read(#"{"prompt":"Q","answer":"A"}"#, format: .prompt).contains(
        "Column `answer` says something that format `prompt` does not read"))
    #expect(
      try read(#"{"prompt":"Q","answer":"A"}"#, format: .prompt, ignored: ["answer"])
        == #"{"prompt":{"messages":[\#(Self.q)]}}"#)
    #expect(try read(#"{"prompt":"Q","answer":"A"}"#, ignored: ["answer"]) == #"{"prompt":{"messages":[\#(Self.q)]}}"#)
  }

  // MARK: Rendered and tokenised

  private static let tokenizer = Result { try Tokenizer.load(path: fixture("Command/tiny")) }

  private static let template = """
    {% for m in messages %}<{{ m.role }}>{{ m.content }}<|im_end|>{% endfor %}\
    {% if add_generation_prompt %}<assistant>{% endif %}
    """

  private func rendered(_ rows: String) throws -> [RenderedRecord] {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "d.jsonl")
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(try ChatTemplate(source: Self.template, name: "t")), specialTokens: [:],
      endMarks: ["<|im_end|>"])
    return try load(path).records.map { record in
      let rendering = try renderer.render(record)
      #expect(rendering.openEnding == nil)
      #expect(rendering.arrivals.allSatisfy { $0.allSatisfy { $0.lost == 0 } } && !rendering.arrivals.isEmpty)
      return rendering.record
    }
  }

  private func tokenized(
    _ records: [RenderedRecord], maxLength: Int = 100, overlong: Overlong = .truncate
  ) throws -> GroupTokenizer.Result {
    let worker = GroupTokenizer(
      tokenizer: try Self.tokenizer.get(),
      options: .init(maxLength: maxLength, overlong: overlong, packs: true, split: ValidationSplit(share: 0)))
    return try worker.tokenize(
      lines: records.map { $0.line(RecordHash(line: "")) }, isText: false, firstRow: 7, file: "rows")
  }

  @Test func judgedAnswersAsTokens() throws {
    let records = try rendered(
      #"{"messages":[\#(Self.q),\#(Self.b),\#(Self.q),\#(Self.a)],"label":true}"# + "\n"
        + #"{"prompt":"Q","completion":"A","label":false}"#)
    let (prompt, answer) = ("<user>Q<|im_end|><assistant>", "A<|im_end|>")
    let long = "<user>Q<|im_end|><assistant>B<|im_end|>" + prompt
    #expect(
      records
        == zip([long, prompt], [true, false]).map {
          .judged(
            prompt: [TextPiece(text: $0, isTrained: false)], answer: [TextPiece(text: answer, isTrained: true)],
            isWanted: $1)
        })
    let result = try tokenized(records)
    let tokenizer = try Self.tokenizer.get()
    let end = try tokenizer.encode(answer)
    for (row, (text, role)) in zip(result.train, [(long, TokenSequence.Role.wanted), (prompt, .unwanted)]) {
      let start = try tokenizer.encode(text)
      #expect(
        row.sequences == [
          TokenSequence(
            role: role, ids: start + end, lossMask: start.map { _ in false } + end.map { _ in true })
        ])
    }
    // Rows of their own, packing or not, and counted.
    #expect(result.train.count == 2)
    #expect(result.report.train.json["wanted"] == 1)
    #expect(result.report.train.json["unwanted"] == 1)
    #expect(TokenizeReport(json: result.report.json) == result.report)
  }

  /// LLaMA-Factory's `infer_seqlen` at its own reference points ÷ 10, as for pairs.
  @Test(arguments: [
    (300, 200, 100, 60, 40), (200, 300, 100, 40, 60), (100, 10, 100, 90, 10), (10, 100, 100, 10, 90),
  ])
  func judgedAnswersAreCut(prompt: Int, answer: Int, limit: Int, keptPrompt: Int, keptAnswer: Int) throws {
    let record = RenderedRecord.judged(
      prompt: [TextPiece(text: String(repeating: "#", count: prompt), isTrained: false)],
      answer: [TextPiece(text: String(repeating: "=", count: answer), isTrained: true)], isWanted: false)
    let result = try tokenized([record], maxLength: limit)
    let sequence = try #require(result.train.first?.sequences.first)
    #expect(sequence.role == .unwanted)
    #expect(sequence.lossMask.count { !$0 } == keptPrompt)
    #expect(sequence.lossMask.count { $0 } == keptAnswer)
    #expect(result.report.truncatedTokens == prompt + answer - limit)
  }

  @Test func marginsReachTheTokens() throws {
    let records = try rendered(
      #"{"prompt":"Q","chosen":"A","rejected":"B","margin":0.1}"# + "\n"
        + #"{"prompt":"Q","chosen":"A","rejected":"B"}"#)
    #expect(try tokenized(records).train.map(\.margin) == [0.1, 0])
    #expect(try tokenized(records, maxLength: 6).train.map(\.margin) == [0.1, 0])
    let lines = records.map { $0.line(RecordHash(line: "")) }
    #expect(lines[0].hasSuffix(#","margin":0.1}"#) && !lines[1].contains("margin"))
  }

  @Test func promptsAsTokens() throws {
    let text = "<system>S<|im_end|><user>Q<|im_end|><assistant>"
    let records = try rendered(#"{"prompt":"Q","system":"S"}"#)
    #expect(records == [.prompt([TextPiece(text: text, isTrained: false)])])
    let ids = try Self.tokenizer.get().encode(text)
    let result = try tokenized(records + records)
    let row = TokenRow([TokenSequence(role: .prompt, ids: ids, lossMask: ids.map { _ in false })])
    #expect(result.train == [row, row])
    #expect(result.report.train.json["prompts"] == 2)
    #expect(result.report.recordsWithoutLabels == 0)
  }

  @Test func promptsAreNotCut() throws {
    let record = RenderedRecord.prompt([TextPiece(text: String(repeating: "#", count: 60), isTrained: false)])
    do {
      _ = try tokenized([record], maxLength: 50)
      Issue.record("cut")
    } catch let errors as DatasetErrors {
      #expect(
        errors.diagnostics.rendered() == """
          rows, row 7: error: The prompt has 60 tokens, more than `max_length` 50
            why: a prompt that is cut asks something else, so `overlong: truncate` cuts none
            try: raise `max_length`, or say `overlong: drop`
          """)
    }
    #expect(try tokenized([record], maxLength: 50, overlong: .drop).report.droppedRecords == 1)
  }
}
