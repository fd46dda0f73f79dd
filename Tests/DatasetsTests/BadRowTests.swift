import Datasets
import Diagnostics
import TestKit
import Testing

/// The words for a file whose rows are read by detection, with the folder's name taken out.
private func words(_ text: String, as name: String = "d.jsonl") throws -> String {
  let folder = try TemporaryFolder()
  let path = try folder.write(text, to: name)
  do {
    _ = try load(path)
    return "no error"
  } catch let error as any DiagnosticError {
    return error.diagnostics.rendered().replacing(folder.path + "/", with: "")
  }
}

@Suite struct BadRowTests {
  private let good = #"{"instruction":"I","output":"O"}"#

  @Test func missingAnswer() throws {
    #expect(
      try words(good + "\n" + #"{"instruction":"I","outputs":"O"}"#) == """
        d.jsonl:2, row 2: error: The row has no column `output`, which format `alpaca` needs
          at `output`
          why: its columns are [`instruction`, `outputs`]
          try: `outputs`
        """)
  }

  @Test func emptyAnswer() throws {
    #expect(
      try words(#"{"instruction":"I","output":""}"#) == """
        d.jsonl:1, row 1: error: Column `output` is empty
          at `output`
          try: fill it or remove the row
        """)
  }

  @Test func answersOfAPairThatAreNone() throws {
    #expect(
      try words(
        """
        {"prompt":"P","chosen":"A","rejected":"B"}
        {"prompt":"P","chosen":null,"rejected":"B"}
        {"prompt":"P","chosen":["A"],"rejected":"B"}
        """) == """
          d.jsonl:2, row 2: error: Column `chosen` is empty
            at `chosen`
            try: fill it or remove the row
          d.jsonl:3, row 3: error: Column `chosen[0]` is a string where a message is needed
            at `chosen[0]`
          """)
  }

  @Test func conversationWithoutAnswer() throws {
    #expect(
      try words(#"[{"messages":[{"role":"user","content":"Q"}]}]"#, as: "d.json") == """
        d.json:1, row 1: error: The row has no answer to learn from
          at `messages`
          why: the last message is not the assistant's
          try: end the conversation with an assistant message, or remove the row
        """)
  }

  @Test func unknownRole() throws {
    #expect(
      try words(#"{"messages":[{"role":"usr","content":"Q"}]}"#) == """
        d.jsonl:1, row 1: error: Unknown role `usr`
          at `messages[0].role`
          why: known roles are [`system`, `developer`, `user`, `assistant`, `tool`, `function`]
          try: `user`
        """)
  }

  @Test func aQuestionLast() throws {
    #expect(
      try words(#"{"conversations":[{"from":"gpt","value":"a"},{"from":"human","value":"b"}]}"#) == """
        d.jsonl:1, row 1: error: The row has no answer to learn from
          at `conversations`
          why: the last message is not the assistant's
          try: end the conversation with an assistant message, or remove the row
        """)
  }

  @Test func formatThatCannotBeTold() throws {
    #expect(
      try words(#"{"a":1,"b":2}"#) == """
        d.jsonl:1, row 1: error: The format of the dataset cannot be told from its columns [`a`, `b`]
          why: no rule of `format: auto` matches
          try: name the format with `format:`, and the columns with `columns:`
        """)
  }

  @Test(arguments: [("null", #""c""#, "chosen"), (#""b""#, "null", "rejected")])
  func anAnswerThatIsNullInTheFirstRow(chosen: String, rejected: String, column: String) throws {
    #expect(
      try words(#"{"prompt":"a","chosen":\#(chosen),"rejected":\#(rejected)}"#) == """
        d.jsonl:1, row 1: error: Column `\(column)` is null in the first row, so that the format cannot be told
          at `\(column)`
          why: a pair needs both answers, `chosen` and `rejected`
          try: give the row both, or take it out; where no pairs are meant, name the format with `format:`
        """)
  }

  @Test func emptyFile() throws {
    #expect(
      try words("\n  \n") == """
        d.jsonl: error: The dataset is empty
          why: it has no rows
          try: put at least one row into it
        """)
  }

  @Test func equalAnswers() throws {
    #expect(
      try words(#"{"prompt":"Q","chosen":"A","rejected":"A"}"#).contains("Chosen and rejected answers are the same"))
  }

  @Test(arguments: ["", " \\n"]) func emptyAnswers(answer: String) throws {
    for (chosen, rejected, column) in [("A", answer, "rejected"), (answer, "A", "chosen")] {
      #expect(
        try words(#"{"prompt":"Q","chosen":"\#(chosen)","rejected":"\#(rejected)"}"#) == """
          d.jsonl:1, row 1: error: Column `\(column)` is empty
            at `\(column)`
            try: fill it or remove the row
          """)
    }
  }

  @Test func brokenLineNamesItsPlace() throws {
    let found = try words(good + "\n{\"instruction\": }")
    #expect(found.hasPrefix("d.jsonl:2:17, byte 49: error: Invalid JSON"), "\(found)")
  }

  @Test func allBadRowsAtOnceButNotWithoutEnd() throws {
    let found = try words(good + "\n" + [String](repeating: #"{"instruction":"I"}"#, count: 30).joined(separator: "\n"))
    #expect(found.split(separator: "\n").count { $0.contains("error:") } == 20)
    #expect(found.contains("and 10 more rows with problems"))
  }
}
