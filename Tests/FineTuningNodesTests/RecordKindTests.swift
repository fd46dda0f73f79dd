import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing
import TokenShards

/// Rows of each kind from the file to token shards: what the nodes say of them, and what stages find.
struct RecordKindTests {
  private static let pipeline = """
    pipeline: p
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/kinds.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}

    """

  @Test(
    arguments: [
      (
        [
          #"{"prompt":"Q","completion":"A","label":true}"#, #"{"prompt":"R","completion":"B","label":false}"#,
          #"{"messages":[{"role":"user","content":"S"},{"role":"assistant","content":"C"}],"label":false}"#,
        ],
        "judged", ["wanted", "unwanted", "unwanted"], ["wanted": 1, "unwanted": 2],
        "of the answers to learn from 1 are wanted and 2 are not"
      ),
      ([#"{"prompt":"Q"}"#, #"{"prompt":"R"}"#], "prompt", ["prompt", "prompt"], ["prompts": 2], ""),
      (
        [#"{"prompt":"Q","chosen":"A","rejected":"B","margin":1.5}"#], "preference", ["chosen 1.5", "rejected 1.5"],
        [:], ""
      ),
    ] as [([String], String, [String], [String: Int], String)])
  func kinds(rows: [String], kind: String, roles: [String], counts: [String: Int], line: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(rows.joined(separator: "\n") + "\n", to: "kinds.jsonl")
    let summary = try workspace.run(Self.pipeline)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let artefact = try #require(summary["tokens"]?.result?.outputs["train"])
    #expect(artefact.type.facets["kind"]?.text == kind)
    let view = ArtefactView(artefact, in: workspace.store)
    var found: [String] = []
    for member in view.members {
      let reader = try TokenShardReader(path: view.path(of: member))
      for (name, count) in counts { #expect(reader.counts.json[name]?.int == count, "\(name)") }
      for index in 0..<reader.rowCount {
        let row = try reader.row(index)
        found += row.sequences.map { "\($0.role)" + (row.margin == 0 ? "" : " \(row.margin)") }
      }
    }
    #expect(found == roles)
    for (name, count) in counts { #expect(artefact.details["counts"]?[name]?.int == count, "\(name)") }
    let log = try String(contentsOfFile: workspace.folder.path("tokens.log"), encoding: .utf8)
    #expect(line.isEmpty || log.split(separator: "\n").contains { $0 == line }, "\(log)")
  }

  /// Columns that are kept reach the rows that a stage reads, digit by digit, and say so in the types of all on the way.
  @Test func columnsTravelWithPrompts() throws {
    let workspace = try TinyWorkspace()
    let rows = [
      #"{"question":"Q","answer":"4 \u00e9\ud834\udd1e\n#### 42","n":12345678901234567890.10}"#,
      #"{"question":"R","answer":{"b":[1,null],"a":{}},"n":1e400}"#, #"{"question":"S","answer":"T","n":null}"#,
      #"{"question":"T"}"#,
    ]
    try workspace.folder.write(rows.joined(separator: "\n") + "\n", to: "kinds.jsonl")
    for format in ["", ", format: prompt"] {
      let summary = try workspace.run(
        Self.pipeline.replacing("kinds.jsonl}", with: "kinds.jsonl, keep_columns: [n, answer]\(format)}"))
      #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
      for (node, port) in [("rows", "rows"), ("chat", "conversations"), ("tokens", "train"), ("tokens", "validation")] {
        let type = try #require(summary[node]?.result?.outputs[port]?.type)
        #expect(type.facets["kind"]?.text == "prompt" && type.keptColumns == ["answer", "n"], "\(node)")
      }
      let artefact = try #require(summary["tokens"]?.result?.outputs["train"])
      let view = ArtefactView(artefact, in: workspace.store)
      let found = try view.members.flatMap { try TokenShardReader(path: view.path(of: $0)).allRows() }
      #expect(
        found.map(\.columns) == [
          #"{"n":12345678901234567890.10,"answer":"4 é𝄞\n#### 42"}"#, #"{"n":1e400,"answer":{"b":[1,null],"a":{}}}"#,
          #"{"answer":"T"}"#, nil,
        ])
      #expect(found[1].columnValues["answer"]?["b"]?.array?.count == 2)
      let log = try String(contentsOfFile: workspace.folder.path("rows.log"), encoding: .utf8)
      #expect(log.contains("columns that travel with the prompts: `answer` (3 rows), `n` (2 rows)"), "\(log)")
    }
  }

  /// The columns to leave out decide what the format is before anything runs, and after.
  @Test func aLabelThatIsLeftOut() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(#"{"prompt":"Q","completion":"A","label":3}"# + "\n", to: "kinds.jsonl")
    let summary = try workspace.run(
      Self.pipeline.replacing("kinds.jsonl}", with: "kinds.jsonl, ignore_columns: [label]}"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    #expect(summary["tokens"]?.result?.outputs["train"]?.type.facets["kind"]?.text == "conversation")
  }
}
