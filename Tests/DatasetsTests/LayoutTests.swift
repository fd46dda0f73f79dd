import ChatTemplates
import Datasets
import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing

/// Rows as published sets have them: each is read with the meaning it plainly has, or refused with its place.
@Suite struct LayoutTests {
  /// The record of one row, or the words of what is wrong with it.
  private func read(
    _ rows: String, format: RowFormat? = nil, ignored: [String] = [], columns: [Column: String] = [:]
  ) throws -> String {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "d.jsonl")
    var map = ColumnMap()
    for (column, name) in columns { map[column] = name }
    do {
      return try load(path, format: format, columns: map, ignored: ignored).records.map { $0.json.text() }.joined(
        separator: "\n")
    } catch let error as any DiagnosticError {
      return error.diagnostics.rendered().replacing(path, with: "FILE")
    }
  }

  private static let q = #"{"role":"user","content":"Q"}"#
  private static let a = #"{"role":"assistant","content":"A"}"#
  private static let b = #"{"role":"assistant","content":"B"}"#
  private static let s = #"{"role":"system","content":"S"}"#
  private static let pair = #"{"messages":[\#(q)],"chosen":\#(a),"rejected":\#(b)}"#

  @Test(arguments: [
    // UltraFeedback: the prompt as a text, whole conversations, and the chosen one once more.
    (
      #"{"prompt":"Q","prompt_id":"0","chosen":[\#(q),\#(a)],"rejected":[\#(q),\#(b)],"messages":[\#(q),\#(a)],"score_chosen":8}"#,
      pair
    ),
    // Intel's: system, question and texts.
    (
      #"{"system":"S","question":"Q","chosen":"A","rejected":"B"}"#,
      #"{"messages":[\#(s),\#(q)],"chosen":\#(a),"rejected":\#(b)}"#
    ),
    (#"{"system":"","input":"Q","chosen":"A","rejected":"B"}"#, pair),
    (#"{"question":"Q","chosen":"A","rejected":"B"}"#, pair),
    // LLaMA-Factory's ranking layouts.
    (
      #"{"conversations":[{"from":"human","value":"Q"}],"chosen":{"from":"gpt","value":"A"},"rejected":{"from":"gpt","value":"B"}}"#,
      pair
    ),
    (#"{"instruction":"Q","input":"","chosen":"A","rejected":"B"}"#, pair),
    (
      #"{"instruction":"Q","history":[["H","I"]],"chosen":"A","rejected":"B"}"#,
      #"{"messages":[{"role":"user","content":"H"},{"role":"assistant","content":"I"},\#(q)],"chosen":\#(a),"rejected":\#(b)}"#
    ),
    // Anthropic's: both conversations as texts.
    (
      #"{"chosen":"\n\nHuman: Q\n\nAssistant: A","rejected":"\n\nHuman: Q\n\nAssistant: B"}"#, pair
    ),
    (
      #"{"chosen":"\n\nHuman: H\n\nAssistant: I\n\nHuman: Q\n\nAssistant: A","rejected":"\n\nHuman: H\n\nAssistant: I\n\nHuman: Q\n\nAssistant: B"}"#,
      #"{"messages":[{"role":"user","content":"H"},{"role":"assistant","content":"I"},\#(q)],"chosen":\#(a),"rejected":\#(b)}"#
    ),
    // A prompt that both lists repeat.
    (#"{"prompt":[\#(q)],"chosen":[\#(q),\#(a)],"rejected":[\#(q),\#(b)]}"#, pair),
    // Answers of several messages: what both share is the prompt, as in TRL.
    (
      #"{"chosen":[\#(q),\#(a),{"role":"user","content":"R"},\#(a)],"rejected":[\#(q),\#(b),{"role":"user","content":"R"},\#(b)]}"#,
      #"{"messages":[\#(q)],"chosen":[\#(a),{"role":"user","content":"R"},\#(a)],"rejected":[\#(b),{"role":"user","content":"R"},\#(b)]}"#
    ),
  ]) func pairs(row: String, expected: String) throws {
    #expect(try read(row) == expected)
    let json = try JSON(parsing: expected)
    #expect(Record(json: json)?.json == json)
  }

  /// Expected values come from `scripts/reference/preference_prompts.py`.
  @Test func implicitPromptsAsTRLFindsThem() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: fixture("Datasets/preference_prompts.json")))
    let fixtures = try #require(try JSON(parsing: Array(data), file: "fixtures").array)
    #expect(fixtures.count == 7)
    for item in fixtures {
      let row = try #require(item["row"]).text()
      let expected = try #require(item["expected"])
      let found = try JSON(parsing: try read(row))
      #expect(found["messages"] == expected["prompt"], "\(row)")
      for name in ["chosen", "rejected"] {
        #expect(found[name].map { $0.array ?? [$0] } == expected[name]?.array, "\(row)")
      }
    }
  }

  @Test(arguments: [
    (
      #"{"chosen":[{"role":"user","content":"P"},\#(a)],"rejected":[\#(q),\#(b)]}"#,
      """
      FILE:1, row 1: error: The prompts of the two answers differ
        at `chosen[0]`
        why: `chosen[0]` and `rejected[0]` are not the same
        try: give both answers the same prompt, or remove the row
      """
    ),
    (
      #"{"prompt":"P","chosen":[\#(q),\#(a)],"rejected":[\#(q),\#(b)]}"#,
      """
      FILE:1, row 1: error: The prompts of the two answers differ
        at `prompt`
        why: `prompt` and `chosen` are not the same
        try: give both answers the same prompt, or remove the row
      """
    ),
    (
      #"{"chosen":"A","rejected":"B"}"#,
      """
      FILE:1, row 1: error: The pair has no prompt
        why: no column holds one, and the two answers share no beginning
        try: name the prompt's column with `columns: {prompt: ...}`
      """
    ),
    (
      #"{"prompt":"Q","chosen":"A","rejected":"B","messages":[\#(q),\#(b)]}"#,
      """
      FILE:1, row 1: error: The conversation in `messages` is neither the prompt nor the chosen one
        at `messages`
        try: name the column in `ignore_columns` to leave it out
      """
    ),
    (
      #"{"prompt":"Q","question":"P","chosen":"A","rejected":"B"}"#,
      """
      FILE:1, row 1: error: The columns [`prompt`, `question`] both stand for the prompt, and differ
        at `prompt`
        try: say which one is meant with `columns: {prompt: prompt}`, and name the other in `ignore_columns`
      """
    ),
    (
      #"{"prompt":"Q","chosen":[{"role":"assistant","content":"A","weight":0}],"rejected":"B"}"#,
      """
      FILE:1, row 1: error: An answer of the pair is marked not to be learned
        at `chosen`
        why: both answers of a pair are compared whole
        try: take the mark out
      """
    ),
  ]) func pairsThatAreNone(row: String, words: String) throws {
    #expect(try read(row) == words)
  }

  @Test(arguments: [
    // Members that templates use go through, in their order; so does null, and so does a part.
    (
      #"{"messages":[\#(q),{"role":"assistant","content":null,"reasoning_content":"T","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{"x":1}}}]},{"role":"tool","content":"7","tool_call_id":"c1","name":"f"},\#(a)]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":{"x":1}}}],"reasoning_content":"T"},{"role":"tool","content":"7","tool_call_id":"c1","name":"f"},\#(a)]}"#
    ),
    (
      #"{"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"A","thinking":"T"}]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":"A","thinking":"T"}]}"#
    ),
    (
      #"{"messages":[\#(q),{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]},{"role":"function","content":"7"},\#(a)]}"#,
      #"{"messages":[\#(q),{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":{}}}]},{"role":"tool","content":"7"},\#(a)]}"#
    ),
    (
      #"{"messages":[{"role":"user","content":[{"type":"text","value":"Q"},"R"]},\#(a)]}"#,
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"Q"},{"type":"text","text":"R"}]},\#(a)]}"#
    ),
    // OpenAI's older calls.
    (
      #"{"messages":[\#(q),{"role":"assistant","content":"","function_call":{"name":"f","arguments":"{\"x\": 1}"}},{"role":"tool","content":"7"},\#(a)]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"f","arguments":{"x":1}}}]},{"role":"tool","content":"7"},\#(a)]}"#
    ),
    // Arguments encoded twice; a call in tags behind a thought.
    (
      #"{"messages":[\#(q),{"role":"assistant","content":"","tool_calls":[{"name":"f","id":"1","arguments":"\"{\\\"x\\\": 1}\""}]}]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{"x":1}}}]}]}"#
    ),
    (
      #"{"conversations":[{"from":"human","value":"Q"},{"from":"function_call","value":"<think>T</think>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"}]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":"<think>T</think>","tool_calls":[{"type":"function","function":{"name":"f","arguments":{}}}]}]}"#
    ),
    // The system column stands first; the same text twice is one.
    (#"{"messages":[\#(q),\#(a)],"system":"S"}"#, #"{"messages":[\#(s),\#(q),\#(a)]}"#),
    (#"{"messages":[\#(s),\#(q),\#(a)],"system":"S"}"#, #"{"messages":[\#(s),\#(q),\#(a)]}"#),
    (#"{"instruction":"Q","output":"A","system_prompt":"S"}"#, #"{"messages":[\#(s),\#(q),\#(a)]}"#),
    // OpenOrca, Dolly without context, alpaca with its text, UltraChat.
    (#"{"id":"1","system_prompt":"S","question":"Q","response":"A"}"#, #"{"messages":[\#(s),\#(q),\#(a)]}"#),
    (#"{"instruction":"Q","context":"","response":"A","category":"qa"}"#, #"{"messages":[\#(q),\#(a)]}"#),
    (
      #"{"instruction":"Q","input":"","output":"A","text":"Instruction:\nQ\n\nResponse:\nA"}"#,
      #"{"messages":[\#(q),\#(a)]}"#
    ),
    (#"{"prompt":"Q","prompt_id":"1","messages":[\#(q),\#(a)]}"#, #"{"messages":[\#(q),\#(a)]}"#),
    // Alpaca joins what is not empty; history may be text of JSON.
    (#"{"instruction":"","input":"Q","output":"A"}"#, #"{"messages":[\#(q),\#(a)]}"#),
    (
      #"{"instruction":"Q","output":"A","history":"[[\"H\", \"I\"]]"}"#,
      #"{"messages":[{"role":"user","content":"H"},{"role":"assistant","content":"I"},\#(q),\#(a)]}"#
    ),
    (#"{"instruction":"Q","output":"A","history":""}"#, #"{"messages":[\#(q),\#(a)]}"#),
    // A label that says nothing.
    (#"{"messages":[\#(q),\#(a)],"kto_tag":null}"#, #"{"messages":[\#(q),\#(a)]}"#),
    // One thought under two names.
    (
      #"{"messages":[\#(q),{"role":"assistant","content":"A","reasoning":"t","thinking":"t"}]}"#,
      #"{"messages":[\#(q),{"role":"assistant","content":"A","reasoning":"t","thinking":"t"}]}"#
    ),
  ]) func conversations(row: String, expected: String) throws {
    #expect(try read(row) == expected)
    let json = try JSON(parsing: expected)
    #expect(Record(json: json)?.json == json)
  }

  static let tool = #"{"name":"f","description":"D","parameters":{"type":"object"}}"#
  static let wrapped = #"{"type":"function","function":\#(tool)}"#

  @Test(arguments: [
    ("[\(wrapped)]", "[\(wrapped)]"), ("[\(tool)]", "[\(wrapped)]"), (tool, "[\(wrapped)]"),
    ("[\(quoted(wrapped))]", "[\(wrapped)]"), (quoted("[\(tool)]"), "[\(wrapped)]"),
    (quoted("[\(quoted(tool))]"), "[\(wrapped)]"), (#"[{"type":"web_search"}]"#, #"[{"type":"web_search"}]"#),
    (#"[{"function":{"name":"f"}}]"#, #"[{"type":"function","function":{"name":"f"}}]"#),
  ]) func tools(tools: String, expected: String) throws {
    #expect(
      try read(#"{"messages":[\#(Self.q),\#(Self.a)],"tools":\#(tools)}"#)
        == #"{"messages":[\#(Self.q),\#(Self.a)],"tools":\#(expected)}"#)
  }

  @Test(arguments: ["[]", "\"\"", "null", "\"[]\""]) func noTools(tools: String) throws {
    let messages = #"{"messages":[\#(Self.q),\#(Self.a)]"#
    #expect(try read(#"\#(messages),"tools":\#(tools)}"#) == messages + "}")
  }

  @Test(arguments: [
    (#"["f"]"#, "Column `tools[0]` is text that is not JSON where a tool is needed", "tools[0]"),
    (#"[3]"#, "Column `tools[0]` is a number where a tool is needed", "tools[0]"),
    (#"[{"description":"D"}]"#, "The tool cannot be read", "tools[0]"),
    (#"[{"type":"function","function":{}}]"#, "The tool cannot be read", "tools[0].function"),
    (#"true"#, "Column `tools` is a boolean where a tool is needed", "tools"),
  ]) func toolsThatAreNone(tools: String, summary: String, path: String) throws {
    let words = try read(#"{"messages":[\#(Self.q),\#(Self.a)],"tools":\#(tools)}"#)
    #expect(words.hasPrefix("FILE:1, row 1: error: \(summary)\n  at `\(path)`"), "\(words)")
  }

  @Test(arguments: [
    (#"[{"name":"f","arguments":"x"}]"#, "the text is not JSON", ".arguments"),
    (#"[{"name":"f","arguments":"[1]"}]"#, "it is a list, not an object", ".arguments"),
    (#"[{"name":"f","arguments":3}]"#, "it is a number, not an object", ".arguments"),
    (#"[{"function":{"arguments":{}}}]"#, "it has no `name`", ".function"),
    (#"["f"]"#, "it is a string, not an object", ""),
  ]) func callsThatAreNone(calls: String, reason: String, path: String) throws {
    #expect(
      try read(#"{"messages":[\#(Self.q),{"role":"assistant","tool_calls":\#(calls)}]}"#) == """
        FILE:1, row 1: error: The tool call cannot be read
          at `messages[1].tool_calls[0]\(path)`
          why: \(reason)
        """)
  }

  @Test(arguments: ["loss", "weight", "loss_weight", "train", "train_on_turn", "training", "masked"], [true, false])
  func turnsThatAreNotLearned(mark: String, isShareGPT: Bool) throws {
    let (role, content, user, assistant, list) =
      isShareGPT
      ? ("from", "value", "human", "gpt", "conversations") : ("role", "content", "user", "assistant", "messages")
    func row(_ first: String, _ second: String, user mark: String = "") -> String {
      #"{"\#(list)":[{"\#(role)":"\#(user)","\#(content)":"Q"\#(mark)},{"\#(role)":"\#(assistant)","\#(content)":"A"\#(first)},"#
        + #"{"\#(role)":"\#(user)","\#(content)":"Q"},{"\#(role)":"\#(assistant)","\#(content)":"A"\#(second)}]}"#
    }
    let (no, yes) = mark == "masked" ? ("true", "false") : mark.hasSuffix("weight") ? ("0", "1.0") : ("false", "true")
    let marked = try read(row(#","\#(mark)":\#(no)"#, #","\#(mark)":\#(yes)"#, user: #","\#(mark)":null"#))
    #expect(marked == #"{"messages":[\#(Self.q),\#(Self.a),\#(Self.q),\#(Self.a)],"unlearned":[1]}"#)
    let json = try JSON(parsing: marked)
    #expect(Record(json: json)?.json == json)
    #expect(
      try read(row("", "", user: #","\#(mark)":\#(yes)"#)) == """
        FILE:1, row 1: error: A message of role `user` is marked to be learned
          at `\(list)[0]`
          why: only what the assistant says is learned
          try: take the mark out, or give the text to the assistant
        """)
  }

  @Test func weightsOfMessagesAndSpans() throws {
    func row(_ marks: String, content: String = #""A né""#) -> String {
      #"{"messages":[\#(Self.q),{"role":"assistant","content":\#(content),\#(marks)}]}"#
    }
    for (marks, more) in [
      (#""weight":0.5"#, #""weights":[[1,0.5]]"#), (#""loss_weight":2"#, #""weights":[[1,2]]"#),
      (#""loss":3"#, #""weights":[[1,3]]"#),
      (
        #""weight":2,"spans":[{"start":2,"end":4,"weight":0},{"start":0,"end":1,"weight":1.5}]"#,
        #""weights":[[1,2]],"spans":[[1,2,4,0],[1,0,1,1.5]]"#
      ),
    ] {
      let read = try read(row(marks))
      let plain = read.replacing(".0]", with: "]")
      #expect(plain == #"{"messages":[\#(Self.q),{"role":"assistant","content":"A né"}],\#(more)}"#)
      let json = try JSON(parsing: read)
      #expect(Record(json: json)?.json == json)
    }
    // What is not learned has no stretches that are.
    #expect(
      try read(row(#""weight":0,"spans":[{"start":0,"end":1,"weight":2}]"#))
        == #"{"messages":[\#(Self.q),{"role":"assistant","content":"A né"}],"unlearned":[1]}"#)
    #expect(
      try read(row(#""spans":[{"start":2,"end":5,"weight":2}]"#)) == """
        FILE:1, row 1: error: There are no characters 2 to 5 in the message
          at `messages[1].spans[0]`
          why: its content has 4; `start` counts from 0, and `end` stands behind the last one
          try: count in characters (Unicode code points), not in bytes
        """)
    #expect(
      try read(row(#""spans":[{"start":0,"end":1,"weight":-1}]"#)).contains("row 1: error: -1 is no weight"))
    #expect(
      try read(row(#""spans":[{"start":0}]"#)).contains("`messages[1].spans[0]` is"))
    #expect(
      try read(row(#""spans":[{"start":0,"end":1,"weight":2}]"#, content: #"[{"type":"text","text":"A"}]"#))
        .contains("Column `messages[1].content` is a list where a string beside `spans` is needed"))
    #expect(
      try read(#"{"prompt":"Q","chosen":[{"role":"assistant","content":"A","weight":2}],"rejected":"B"}"#) == """
        FILE:1, row 1: error: An answer of the pair has weights
          at `chosen`
          why: both answers of a pair are compared as they are
          try: take the weights out
        """)
  }

  @Test func noWeightsAndMarksThatDisagree() throws {
    func words(_ marks: String) throws -> String {
      try read(#"{"messages":[\#(Self.q),{"role":"assistant","content":"A",\#(marks)}]}"#)
    }
    #expect(
      try words(#""weight":-0.5"#) == """
        FILE:1, row 1: error: -0.5 is no weight
          at `messages[1].weight`
          why: a message counts 0 or more as `weight`, `loss_weight` or `loss`; other marks say whether it is learned
          try: write a number from 0, or true or false
        """)
    #expect(try words(#""train":2"#).contains("row 1: error: 2 is no weight"))
    #expect(
      try words(#""loss":true,"weight":0"#) == """
        FILE:1, row 1: error: `loss` and `weight` disagree on whether the message is learned
          at `messages[1]`
          try: keep one of the two
        """)
    #expect(
      try words(#""train":"yes""#).contains("Column `messages[1].train` is a string where true, false or a number"))
  }

  @Test(arguments: [
    (
      #"{"messages":[\#(q),\#(a)],"prompt":"P"}"#,
      """
      FILE, row 1: error: Column `prompt` says something that format `messages` does not read, in 2 rows
        at `prompt`
        try: map it with `columns`, or name it in `ignore_columns` to leave it out
      """
    ),
    (
      #"{"instruction":"Q","context":"C","response":"A"}"#,
      """
      FILE, row 1: error: Column `context` says something that format `alpaca` does not read, in 2 rows
        at `context`
        why: some sets mean alpaca's input by it, others what an answer is drawn from
        try: map it with `columns`, or name it in `ignore_columns` to leave it out
      """
    ),
  ]) func columnsThatNobodyReadsAreCounted(row: String, words: String) throws {
    #expect(try read(row + "\n" + row) == words)
  }

  @Test(arguments: ["false", "0", "0.5", #""false""#, #""bad""#, "3", "{}"]) func answersToAvoid(label: String) throws {
    for (row, format) in [
      (#"{"prompt":"Q","completion":"A","label":\#(label)}"#, RowFormat.promptCompletion),
      (#"{"messages":[\#(Self.q),\#(Self.a)],"label":\#(label)}"#, .messages),
    ] {
      #expect(
        try read(row + "\n" + row, format: format) == """
          FILE, row 1: error: Column `label` is not `true` in 2 rows: their answers are examples of what not to say
            at `label`
            why: KTO learns from such rows, other training would learn to say them
            try: say `format: judged` for KTO, or take these rows out; where the column means something else, name it in `ignore_columns`
          """)
      #expect(try read(row, ignored: ["label"]) == #"{"messages":[\#(Self.q),\#(Self.a)]}"#)
    }
  }

  @Test(arguments: [
    (#""reasoning":"a","thinking":"b""#, "thinking", "reasoning"),
    (#""reasoning_content":"a","thinking":"b""#, "reasoning_content", "thinking"),
    (#""reasoning_content":"a","reasoning":"a ","thinking":"""#, "reasoning_content", "reasoning"),
  ]) func thoughtsThatDisagree(members: String, first: String, second: String) throws {
    #expect(
      try read(#"{"messages":[\#(Self.q),{"role":"assistant","content":"A",\#(members)}]}"#) == """
        FILE:1, row 1: error: `\(first)` and `\(second)` say different things
          at `messages[1]`
          why: both hold what the assistant thinks, and templates write one of them
          try: keep one of the two
        """)
  }

  @Test func otherWaysForColumnsOfOneMeaning() throws {
    let dolly = #"{"instruction":"Q","context":"C","response":"A"}"#
    #expect(
      try read(dolly, columns: [.input: "context"])
        == #"{"messages":[{"role":"user","content":"Q\nC"},\#(Self.a)]}"#)
    #expect(try read(dolly, ignored: ["context"]) == #"{"messages":[\#(Self.q),\#(Self.a)]}"#)
    #expect(
      try read(#"{"messages":[\#(Self.s),\#(Self.q),\#(Self.a)],"system":"T"}"#) == """
        FILE:1, row 1: error: Column `system` and the system message of the conversation differ
          at `system`
          why: a conversation has one of them
          try: name the column in `ignore_columns`, or take the message out
        """)
  }

  @Test func mappedColumnsHaveToBeSomewhere() throws {
    let row = #"{"instruction":"Q","output":"A","system_prompt":"S"}"#
    #expect(
      try read(row, ignored: ["system_prompt"], columns: [.system: "sytem_prompt"]) == """
        FILE: error: No row has a column `sytem_prompt`, which `columns` names as `system`
          at `columns.system`
          try: `system_prompt`
        """)
    // A column that some rows lack is no mistake.
    #expect(
      try read(row + "\n" + #"{"instruction":"Q","output":"A"}"#, columns: [.system: "system_prompt"])
        == #"{"messages":[\#(Self.s),\#(Self.q),\#(Self.a)]}"# + "\n" + #"{"messages":[\#(Self.q),\#(Self.a)]}"#)
    #expect(
      try read(#"{"messages":[\#(Self.q),\#(Self.a)]}"#, columns: [.history: "h"])
        .contains("Format `messages` has no use for a column named as `history`"))
  }

  @Test func historyThatIsNone() throws {
    func words(_ history: String) throws -> String {
      try read(#"{"instruction":"Q","output":"A","history":\#(history)}"#)
    }
    #expect(
      try words(#"{"user":"H"}"#) == """
        FILE:1, row 1: error: Column `history` is an object where a list of pairs is needed
          at `history`
        """)
    #expect(try words(#""H""#).contains("Column `history` is text that is not JSON where a list of pairs is needed"))
    #expect(try words(#"[["H"]]"#).contains("Column `history[0]` is a list where a pair of strings is needed"))
  }

  @Test func theTallySaysWhatWasRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      #"{"messages":[\#(Self.q),\#(Self.a)],"id":1}"# + "\n"
        + #"{"messages":[\#(Self.q),{"role":"assistant","content":"A","name":"N"}],"id":2,"score":3,"prompt":"Q","tools":null}"#,
      to: "d.jsonl")
    let tally = try load(path).tally
    #expect(
      tally.lines(.messages, columns: ColumnMap()) == [
        "columns read: `messages` (2 rows); not there: [`system`, `tools`, `label`]",
        "members of messages that go to the chat template as they are: `name` (1 message)",
        "columns that say again what others say: `prompt` (1 row)",
        "columns not read: `id` (2 rows), `score` (1 row, first row 2)",
      ])
    #expect(ColumnTally(json: tally.json) == tally)
    var sum = ColumnTally()
    sum.add(tally)
    #expect(sum == tally)
  }

  /// Which roles may follow which is for templates to say; the log names what is unusual.
  @Test(arguments: [
    ([s, s, q, a], ["`system` after `system` (1 row)"]), ([q, q, a], ["`user` after `user` (1 row)"]),
    ([q, a, b], ["`assistant` after `assistant` (1 row)"]), ([a, q, b], ["`assistant` after `nothing` (1 row)"]),
    ([q, a, s, q, b], ["`system` after `assistant` (1 row)"]), ([q, t, a], ["`tool` after `user` (1 row)"]),
    ([s, a], ["`assistant` after `system` (1 row)"]), ([d, q, a], []),
    ([s, d, q, a], ["`developer` after `system` (1 row)"]),
    ([q, a, t, t, a, q, b], []),
  ])
  func anyOrderOfRolesIsRead(messages: [String], remarks: [String]) throws {
    let row = #"{"messages":[\#(messages.joined(separator: ","))]}"#
    #expect(try read(row) == row)
    let folder = try TemporaryFolder()
    let path = try folder.write(row, to: "d.jsonl")
    let lines = try load(path).tally.lines(.messages, columns: ColumnMap())
    #expect(lines.dropFirst() == remarks.map { "orders of roles that not every template takes: \($0)" }[...])
  }

  private static let d = #"{"role":"developer","content":"D"}"#
  private static let t = #"{"role":"tool","content":"T"}"#

  @Test func aConversationEndsInAnAnswer() throws {
    for row in [
      #"{"messages":[\#(Self.q),\#(Self.a),\#(Self.q)]}"#, #"{"messages":[\#(Self.q),\#(Self.a),\#(Self.t)]}"#,
    ] {
      #expect(try read(row).contains("The row has no answer to learn from"))
    }
    let pair = #"{"messages":[\#(Self.q),\#(Self.q)],"chosen":\#(Self.a),"rejected":\#(Self.b)}"#
    #expect(try read(pair) == pair)
    #expect(
      try read(#"{"prompt":[\#(Self.q),\#(Self.a)],"chosen":\#(Self.a),"rejected":\#(Self.b)}"#).contains(
        "A message of role `assistant` stands where a user message last is expected"))
  }

  @Test func aDevelopersTextIsTheSystems() throws {
    let row = #"{"messages":[\#(Self.d),\#(Self.q),\#(Self.a)],"system":"S"}"#
    #expect(try read(row).contains("Column `system` and the system message of the conversation differ"))
  }

  @Test func placeholdersAreCounted() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      """
      {"instruction":"Who are you?","output":"I am {name}."}
      {"instruction":"Who are you?","output":"I am {{name}}, made by {{ author }}. I am {{name}}."}
      {"instruction":"Hi {{name}}","output":"{{}} {{ a b }} {{x.y}} {{{{ {{z}"}
      """, to: "d.jsonl")
    let tally = try load(path).tally
    #expect(
      tally.warnings(file: "FILE").rendered() == """
        FILE, row 2: warning: Placeholders stand in the rows: `{{author}}` in 1 row, first row 2, `{{name}}` in 2 rows, first row 2
          why: nothing fills them, so the model learns them letter by letter
          try: put the text that is meant in their place
        """)
    #expect(ColumnTally(json: tally.json) == tally)
    #expect(tally.moved(by: 3).warnings(file: "FILE").first?.place?.row == 5)
    let text = try folder.write(#"{"text":"{{name}}"}"#, to: "t.jsonl")
    #expect(try load(text).tally.warnings(file: "FILE").count == 1)
  }

  /// docs/datasets.md has the tables of the declaration that the readers go by.
  @Test func thePageStatesWhatLayoutsRead() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/datasets.md"), encoding: .utf8)
    #expect(page.contains(Layout.reference), "docs/datasets.md lacks this:\n\(Layout.reference)")
  }
}

/// A text as a JSON string.
private func quoted(_ text: String) -> String { JSON(text).text() }
