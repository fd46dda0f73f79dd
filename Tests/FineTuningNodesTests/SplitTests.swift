import Foundation
import Pipeline
import TestKit
import Testing
import TokenShards
import Tokenization

/// Which rows are held out follows from the rows, not from how they are rendered or tokenised.
struct SplitTests {
  private static let pipeline = """
    pipeline: p
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/many.jsonlFIELDS}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer, template: TEMPLATE}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 200, validation: 0.3}

    """

  /// The numbers of the rows that are held out.
  private func heldOut(template: String = "auto", fields: String = "", in workspace: TinyWorkspace) throws -> [Int] {
    let summary = try workspace.run(
      Self.pipeline.replacing("TEMPLATE", with: template).replacing("FIELDS", with: fields))
    let artefact = try #require(summary["tokens"]?.result?.outputs["validation"])
    let view = ArtefactView(artefact, in: workspace.store)
    let tokenizer = try Tokenizer.load(path: workspace.folder.path("tiny"))
    return try view.members.flatMap { member in
      let reader = try TokenShardReader(path: view.path(of: member))
      return try (0..<reader.rowCount).compactMap { row -> Int? in
        let text = try tokenizer.decode(reader.row(row).sequences[0].ids[...], skipsSpecialTokens: true)
        return text.firstMatch(of: /number (\d+)/).flatMap { Int($0.1) }
      }
    }
  }

  @Test func anotherTemplateMovesNoRow() throws {
    let workspace = try TinyWorkspace()
    let rows = (1...60).map {
      #"{"messages":[{"role":"user","content":"Say number \#($0)"},{"role":"assistant","content":"It is \#($0)."}]}"#
    }
    try workspace.folder.write(rows.joined(separator: "\n") + "\n", to: "many.jsonl")
    try workspace.folder.write(
      "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }}<|im_end|>{% endfor %}"
        + "{% if add_generation_prompt %}[assistant] {% endif %}", to: "other.jinja")
    let own = try heldOut(template: "auto", in: workspace)
    #expect((6...30).contains(own.count))
    #expect(try heldOut(template: "DIR/other.jinja", in: workspace) == own)
  }

  /// Prompts are held out as other rows are, and one of them stays on its side whatever travels with it.
  @Test func columnsOfPromptsMoveNoRow() throws {
    let workspace = try TinyWorkspace()
    func write(_ answer: (Int) -> Int) throws {
      let rows = (1...60).map { #"{"prompt":"Say number \#($0)","answer":\#(answer($0))}"# }
      try workspace.folder.write(rows.joined(separator: "\n") + "\n", to: "many.jsonl")
    }
    try write { $0 }
    let own = try heldOut(fields: ", ignore_columns: [answer]", in: workspace)
    #expect((6...30).contains(own.count))
    #expect(try heldOut(fields: ", keep_columns: [answer]", in: workspace) == own)
    try write { 7 * $0 }
    #expect(try heldOut(fields: ", keep_columns: [answer]", in: workspace) == own)
  }
}
