import ChatTemplates
import Datasets
import PreciseJSON
import TestKit
import Testing

/// Reads a file's rows as `load_dataset` does.
func load(
  _ path: String, format: RowFormat? = nil, columns: ColumnMap = ColumnMap(), ignored: [String] = []
) throws -> (records: [Record], format: RowFormat?, tally: ColumnTally) {
  var options = RecordReading.Options()
  (options.format, options.columns, options.ignored) = (format, columns, ignored)
  var records: [Record] = []
  let reading = try RecordReading(path: path, options) { record, _ in records.append(record) }
  return (records, reading.format, reading.tally)
}

/// Reads a file's rows and gives the records and the format that was detected.
private func load(_ text: String, as name: String, columns: ColumnMap = ColumnMap()) throws -> ([Record], RowFormat?) {
  let folder = try TemporaryFolder()
  let loaded = try load(try folder.write(text, to: name), columns: columns)
  return (loaded.records, loaded.format)
}

@Suite struct FormatTests {
  @Test func messages() throws {
    let (records, format) = try load(
      #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}"#,
      as: "a.jsonl")
    #expect(format == .messages)
    #expect(
      records[0].json.text()
        == #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}"#
    )
  }

  @Test func sharegptWithACall() throws {
    let (records, format) = try load(
      #"""
      [{"conversations":[{"from":"human","value":"Q"},
        {"from":"function_call","value":"{\"name\": \"f\", \"arguments\": {\"x\": 1}}"},
        {"from":"observation","value":"7"},{"from":"gpt","value":"A"}],"tools":"[{\"name\":\"f\"}]"}]
      """#, as: "a.json")
    #expect(format == .sharegpt)
    #expect(
      records[0].json.text()
        == #"{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"","tool_calls":[{"type":"function","#
        + #""function":{"name":"f","arguments":{"x":1}}}]},{"role":"tool","content":"7"},"#
        + #"{"role":"assistant","content":"A"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#)
  }

  @Test func argumentsAsTextBecomeAnObject() throws {
    let (records, _) = try load(
      #"""
      {"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":null,
      "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}}]}]}
      """#.replacing("\n", with: ""), as: "a.jsonl")
    #expect(records[0].json["messages"]?.array?[1]["tool_calls"]?.text().contains(#""arguments":{"x":1}"#) == true)
  }

  @Test func alpacaJoinsInstructionAndInput() throws {
    let (records, format) = try load(
      #"[{"instruction":"I","input":"J","output":"O","system":"","history":[["a","b"]]}]"#, as: "a.json")
    #expect(format == .alpaca)
    #expect(
      records[0].json.text()
        == #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#
        + #"{"role":"user","content":"I\nJ"},{"role":"assistant","content":"O"}]}"#)
  }

  @Test(arguments: [("prompt", "completion"), ("prompt", "response"), ("question", "answer")])
  func promptAndCompletion(prompt: String, completion: String) throws {
    let (records, format) = try load(#"{"\#(prompt)":"Q","\#(completion)":"A"}"#, as: "a.jsonl")
    #expect(format == .promptCompletion)
    #expect(
      records[0].json.text()
        == #"{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}"#)
  }

  @Test func plainTextFile() throws {
    let (records, format) = try load("one\r\n\ntwo", as: "a.txt")
    #expect(format == .text)
    #expect(records.map { $0.json.text() } == [#"{"text":"one"}"#, #"{"text":"two"}"#])
  }

  @Test(arguments: [
    #"{"prompt":"Q","chosen":"A","rejected":"B"}"#,
    #"{"prompt":[{"role":"user","content":"Q"}],"chosen":[{"role":"assistant","content":"A"}],"rejected":[{"role":"assistant","content":"B"}]}"#,
    #"{"conversations":[{"from":"human","value":"Q"}],"chosen":{"from":"gpt","value":"A"},"rejected":{"from":"gpt","value":"B"}}"#,
    #"{"instruction":"Q","input":"","chosen":"A","rejected":"B"}"#,
    #"{"chosen":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],"rejected":[{"role":"user","content":"Q"},{"role":"assistant","content":"B"}]}"#,
  ])
  func preferencesOfEveryLayout(line: String) throws {
    let (records, format) = try load(line, as: "a.jsonl")
    #expect(format == .preference)
    #expect(
      records[0].json.text()
        == #"{"messages":[{"role":"user","content":"Q"}],"chosen":{"role":"assistant","content":"A"},"#
        + #""rejected":{"role":"assistant","content":"B"}}"#)
  }

  @Test func columnsUnderOtherNames() throws {
    var columns = ColumnMap()
    columns[.instruction] = "task"
    columns[.output] = "reply"
    let (records, format) = try load(#"{"task":"Q","reply":"A"}"#, as: "a.jsonl", columns: columns)
    #expect(format == .alpaca)
    #expect(records[0].json["messages"]?.array?[1]["content"] == "A")
  }

  @Test func recordsSurviveTheirText() throws {
    for line in [#"{"text":"x"}"#, #"{"prompt":"Q","chosen":"A","rejected":"B"}"#, #"{"question":"Q","answer":"A"}"#] {
      let (records, _) = try load(line, as: "a.jsonl")
      let json = records[0].json
      #expect(Record(json: json)?.json == json)
    }
  }
}
