import Foundation
import Pipeline
import Testing

/// Groups of nodes: what they become, what they take, and what is said where they do not hold together.
@Suite("Groups of nodes")
struct NodeGroupTests {
  private static let data = """
    pipeline: p
    groups:
      data:
        params: {file: null, length: 512}
        nodes:
          rows: {type: load_dataset, from: "${file}"}
          chat: {type: apply_template, dataset: rows}
          tokens: {type: tokenize, conversations: chat, max_length: "${length}"}

    """

  private static func text(_ nodes: String, groups: String = "", outputs: String = "") -> String {
    data + groups + "nodes:\n" + nodes + outputs
  }

  private func inputs(_ pipeline: ResolvedPipeline, _ node: String) throws -> [String] {
    try #require(pipeline.node(node)).inputs.map { "\($0.port): \($0.node).\($0.output)" }
  }

  @Test("a group's nodes stand under the names of those that use it, with their params")
  func expansion() throws {
    let pipeline = try load(
      Self.text(
        """
          a: {group: data, file: rows.jsonl}
          b: {group: data, file: more.jsonl, length: 64}
          base: {type: load_model, from: weights.gguf}
          sft: {type: train, model: base, data: a.train, learning_rate: 1e-4}
          dpo: {type: train, model: sft, data: b-tokens.train, learning_rate: 1e-4}

        """))
    #expect(
      Set(pipeline.nodes.map(\.name)) == [
        "a-rows", "a-chat", "a-tokens", "b-rows", "b-chat", "b-tokens", "base", "sft", "dpo",
      ])
    #expect(try inputs(pipeline, "a-chat") == ["dataset: a-rows.rows"])
    #expect(try inputs(pipeline, "sft") == ["model: base.model", "data: a-tokens.train"])
    #expect(try inputs(pipeline, "dpo").contains("data: b-tokens.train"))
    #expect(pipeline.node("b-rows")?.sources.first?.path == "more.jsonl")
    // The same work under the same key as without a group.
    let alone = try load(
      """
      pipeline: p
      nodes:
        rows: {type: load_dataset, from: more.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat, max_length: 64}
      """)
    #expect(pipeline.node("b-tokens")?.planKey == alone.node("tokens")?.planKey)
    // Among targets its name means what it means in the file.
    #expect(try pipeline.wanted(["b"]) == ["b-tokens"])
    #expect(try pipeline.wanted(["b.train", "sft"]) == ["b-tokens", "sft"])
    #expect(throws: (any Error).self) { try pipeline.wanted(["data"]) }
  }

  @Test("groups in groups, params of the file inside, and what a group's outputs are")
  func nesting() throws {
    let text = Self.text(
      """
        one: {group: tuned, file: rows.jsonl, base: base}
        base: {type: load_model, from: weights.gguf}

      """,
      groups: """
          tuned:
            params: {file: null, base: null}
            nodes:
              data: {group: data, file: "${file}", length: 32}
              sft: {type: train, model: "${base}", data: data.train, learning_rate: "${rate}"}
              more: {type: train, model: sft, data: data.train, learning_rate: 1e-5}
            outputs: [sft]

        """,
      outputs: "outputs: [one]\nparams: {rate: 3e-4}\n")
    let pipeline = try load(text)
    #expect(
      Set(pipeline.nodes.map(\.name)) == ["one-data-rows", "one-data-chat", "one-data-tokens", "one-sft", "base"])
    #expect(try inputs(pipeline, "one-sft") == ["model: base.model", "data: one-data-tokens.train"])
    #expect(pipeline.outputs.map(\.node) == ["one-sft"] && pipeline.unusedNodes == ["one-more"])
    // What a record keeps is the same pipeline.
    #expect(try load(pipeline.text).nodes.map(\.planKey) == pipeline.nodes.map(\.planKey))
    // A change on the command line is one of the group's param.
    let changed = try load(text, set: ["nodes.one.file=more.jsonl"])
    #expect(changed.node("one-data-rows")?.sources.first?.path == "more.jsonl")
  }

  @Test("a matrix reaches into groups")
  func matrix() throws {
    let pipeline = try load(
      Self.text(
        "  a: {group: data, file: rows.jsonl, length: \"${length}\"}\n",
        outputs: "params: {length: 1}\nmatrix: {grid: {length: [32, 64]}}\n"))
    #expect(
      pipeline.nodes.map(\.name) == ["a-rows", "a-chat", "a-tokens@length=32", "a-tokens@length=64"])
  }

  @Test(
    "what is wrong is told where it stands",
    arguments: [
      (
        "  a: {group: dat, file: rows.jsonl}\n", "",
        "sft.yaml:10:14: error: Unknown group `dat`\n      a: {group: dat, file: rows.jsonl}\n                 ^\n  at `nodes.a.group`\n  try: `data`"
      ),
      ("  a: {group: data}\n", "", "Group `data` needs `file`\n"),
      ("  a: {group: data, file: rows.jsonl, lenght: 5}\n", "", "Group `data` has no param `lenght`"),
      ("  a: {group: data, file: rows.jsonl, lenght: 5}\n", "", "try: `length`"),
      (
        "  a: {group: data, file: rows.jsonl}\n  a-rows: {type: load_dataset, from: rows.jsonl}\n", "",
        "Two nodes are called `a-rows`"
      ),
      (
        "  a: {group: two}\n  m: {type: apply_template, dataset: a}\n",
        "  two: {nodes: {x: {type: load_dataset, from: rows.jsonl}, y: {type: load_dataset, from: more.jsonl}}}\n",
        "`a` stands for [`a-x`, `a-y`]"
      ),
      ("  a: {group: me}\n", "  me: {nodes: {b: {group: me}}}\n", "Group `me` stands in itself"),
      ("  a: {group: no}\n", "  no: {params: {a: 1}}\n", "Group `no` has no `nodes`"),
      ("  a: {group: no}\n", "  no: {nods: {a: {type: load_dataset}}}\n", "Unknown key `nods`"),
      ("  rows: {type: load_dataset, from: rows.jsonl}\n", "", "warning: No node uses the group `data`"),
      ("  a: {group: data, file: rows.jsonl, length: many}\n", "", "`many` is not a whole number"),
    ])
  func problems(_ nodes: String, _ groups: String, _ words: String) {
    let said = messages(Self.text(nodes, groups: groups))
    #expect(said.contains(words), "\(said)")
  }
}
