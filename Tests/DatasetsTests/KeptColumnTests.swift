import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// Columns that travel with prompts: which are read, what is refused, and what becomes of their values.
@Suite struct KeptColumnTests {
  /// The records of rows, or the words of what is wrong with them; then the warnings.
  private func read(
    _ rows: [String], kept: [String], format: RowFormat? = nil, ignored: [String] = [], prompt: String? = nil
  ) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows.joined(separator: "\n"), to: "d.jsonl")
    var options = RecordReading.Options()
    (options.format, options.ignored, options.kept) = (format, ignored, kept)
    options.columns[.prompt] = prompt
    var lines: [String] = []
    do {
      let reading = try RecordReading(path: path, options) { record, _ in
        #expect(Record(json: record.json)?.json == record.json)
        lines.append(record.json.text())
      }
      #expect(ColumnTally(json: reading.tally.json) == reading.tally)
      lines += reading.warnings.rendered().split(separator: "\n").map(String.init)
    } catch let error as any DiagnosticError {
      lines = [error.diagnostics.rendered()]
    }
    return lines.joined(separator: "\n").replacing(path, with: "FILE")
  }

  private static let q = #"{"prompt":{"messages":[{"role":"user","content":"Q"}]}"#

  /// Values as the row writes them: `café` with a combining accent, numbers that no double holds, lists and objects.
  private static let odd = [
    #""42""#, #""""#, #""Grüße 𝄞 cafe\#u{301} \"\\\n""#, "12345678901234567890123.4500", "1e400", "-0.0", "true",
    #"{"b":[1,{"a":null}],"a":[]}"#, "[[],{}]",
  ]

  @Test(arguments: odd) func valuesAreKeptAsTheyAre(value: String) throws {
    for format in [nil, RowFormat.prompt] {
      #expect(
        try read([#"{"prompt":"Q","answer":\#(value)}"#], kept: ["answer"], format: format)
          == Self.q + #","columns":{"answer":\#(value)}}"#)
    }
  }

  @Test func theyStandInTheOrderOfTheirNames() throws {
    #expect(
      try read(
        [#"{"a":1,"question":"Q","context":"c","answer":"A","id":3}"#], kept: ["answer", "a", "context", "answer"])
        == Self.q + #","columns":{"answer":"A","a":1,"context":"c"}}"#)
    // What the layout reads can travel as well.
    #expect(
      try read([#"{"question":"Q","answer":"A"}"#], kept: ["question", "answer"])
        == Self.q + #","columns":{"question":"Q","answer":"A"}}"#)
    #expect(
      try read([#"{"question":"P","problem":"Q","answer":"A"}"#], kept: ["question", "answer"], prompt: "problem")
        == Self.q + #","columns":{"question":"P","answer":"A"}}"#)
    // Pairs can be asked as prompts.
    #expect(
      try read([#"{"prompt":"Q","chosen":"A","rejected":"B"}"#], kept: ["chosen", "rejected"])
        == Self.q + #","columns":{"chosen":"A","rejected":"B"}}"#)
  }

  @Test func rowsThatLackOneAreCounted() throws {
    let rows = [#"{"prompt":"Q","answer":1}"#, #"{"prompt":"Q"}"#, #"{"prompt":"Q","answer":null}"#]
    #expect(
      try read(rows, kept: ["answer"]) == """
        \(Self.q),"columns":{"answer":1}}
        \(Self.q)}
        \(Self.q)}
        FILE, row 2: warning: Column `answer` is absent or null in 2 rows
          why: `keep_columns` names it, and a reward function that reads it finds nothing there
          try: fill it, or take the rows out
        """)
  }

  @Test(
    arguments: [
      (
        [#"{"prompt":"Q","answer":1}"#, #"{"prompt":"Q","answer":2}"#], ["anser"],
        """
        FILE, row 1: error: Column `answer` says something that format `prompt` does not read, in 2 rows
          at `answer`
          try: name it in `keep_columns` where a reward function reads it, or in `ignore_columns` to leave it out
        FILE: error: No row has a value in column `anser`, which `keep_columns` names
          at `keep_columns`
          try: `answer`
        """
      ),
      (
        [#"{"prompt":"Q","answer":null}"#], ["answer"],
        """
        FILE: error: No row has a value in column `answer`, which `keep_columns` names
          at `keep_columns`
          try: name a column that is there, or take it out
        """
      ),
      (
        [#"{"prompt":"Q","completion":"A","answer":1}"#], ["answer"],
        """
        FILE: error: `keep_columns` has no effect on rows of kind `conversation`
          at `keep_columns`
          why: columns travel with prompts, for the reward functions that judge what the model answers
          try: take the line out, or say `format: prompt`
        """
      ),
      (
        [#"{"text":"T","source":"s"}"#], ["source"],
        """
        FILE: error: `keep_columns` has no effect on rows of kind `text`
          at `keep_columns`
          why: columns travel with prompts, for the reward functions that judge what the model answers
          try: take the line out, or say `format: prompt`
        """
      ),
    ] as [([String], [String], String)])
  func namesWithoutUse(rows: [String], kept: [String], words: String) throws {
    #expect(try read(rows, kept: kept, format: kept == ["anser"] ? .prompt : nil) == words)
  }

  @Test func keptAndIgnoredAtOnce() throws {
    #expect(
      try read([#"{"prompt":"Q","answer":1}"#], kept: ["answer"], format: .prompt, ignored: ["answer"]) == """
        FILE: error: Column `answer` is kept and ignored at once
          at `keep_columns`
          try: take it out of one of the two
        """)
  }

  // MARK: Rendered and tokenised

  @Test func theyReachTheTokens() throws {
    let tokenizer = try Tokenizer.load(path: fixture("Command/tiny"))
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(
        try ChatTemplate(
          source:
            "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}",
          name: "t")), specialTokens: [:], endMarks: ["<|im_end|>"])
    let messages = [ChatMessage(role: "user", content: "Q")]
    let worker = GroupTokenizer(
      tokenizer: tokenizer,
      options: .init(maxLength: 100, overlong: .truncate, packs: true, split: ValidationSplit(share: 0)))
    for value in Self.odd {
      let columns = try JSON(parsing: #"{"é":\#(value)}"#)
      let record = Record.prompt(Conversation(messages: messages), columns: columns)
      let rendered = try renderer.render(record).record
      // The header of the answer stands at the end.
      #expect(rendered == .prompt([TextPiece(text: "<user>Q<a>", isTrained: false)], columns: columns))
      let bare = try renderer.render(.prompt(Conversation(messages: messages))).record
      let lines = [rendered, bare].map { $0.line(RecordHash(line: "")) }
      let rows = try worker.tokenize(lines: lines, isText: false, firstRow: 1, file: "rows").train
      #expect(rows.map(\.columns) == [columns.text(), nil])
      #expect(rows[0].sequences == rows[1].sequences)
      #expect(rows[0].columnValues["é"]?.text() == value)
      #expect(rows[1].columnValues.isEmpty)
      // Where a prompt falls, it falls whatever travels with it.
      let line = record.json.text()
      #expect(
        RecordHash(of: record, line: line)
          == RecordHash(line: Record.prompt(Conversation(messages: messages)).json.text()))
      #expect(RecordHash(of: record, line: line) != RecordHash(line: line))
    }
  }

  @Test func columnsThatAreNoObjectAreDamage() throws {
    #expect(Record(json: try JSON(parsing: Self.q + #","columns":[1]}"#)) == nil)
    let line = #"{"record":"0123456789abcdef","prompt":[["Q",false]],"columns":"A"}"#
    #expect(RenderedRecord.read(line: try JSON(parsing: line)) == nil)
  }
}
