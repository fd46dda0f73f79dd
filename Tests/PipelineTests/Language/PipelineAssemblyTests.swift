import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Files that build on each other.
@Suite("Files that build on others")
struct PipelineAssemblyTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      """
      pipeline: base
      params: {rate: 1e-4, length: 128}
      nodes:
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat, max_length: "${length}"}
        base: {type: load_model, from: weights.gguf}
        sft: {type: train, model: base, data: tokens.train, learning_rate: "${rate}", schedule: {type: linear, warmup_ratio: 0.1}}
        dpo: {type: train, model: sft, data: tokens.train, learning_rate: 1e-6}
      outputs: [dpo]

      """, to: "base.yaml")
  }

  private func load(_ text: String, as name: String = "own.yaml") throws -> ResolvedPipeline {
    try folder.write(text, to: name)
    return try PipelineFile.load(path: folder.path(name), registry: toyRegistry, sources: ToySources())
  }

  private func said(_ text: String, as name: String = "own.yaml") -> String {
    do { return try load(text, as: name).warnings.rendered() } catch {
      return diagnostics(of: error).rendered().replacing(folder.path + "/", with: "")
    }
  }

  @Test("a file that extends another changes what it says, takes away what is null, and leaves the rest")
  func extending() throws {
    let pipeline = try load(
      """
      extends: base.yaml
      pipeline: own
      params: {rate: 3e-4}
      nodes:
        sft: {schedule: {warmup_ratio: 0.2}, rank: 4}
        dpo: null
        last: {type: train, model: sft, data: tokens.train, learning_rate: 1e-5}
      outputs: [last]
      """)
    #expect(
      pipeline.name == "own"
        && pipeline.nodes.map(\.name).sorted() == ["base", "chat", "last", "rows", "sft", "tokens"])
    let same = try load(
      """
      pipeline: same
      nodes:
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat, max_length: 128}
        base: {type: load_model, from: weights.gguf}
        sft: {type: train, model: base, data: tokens.train, learning_rate: 3e-4, rank: 4, schedule: {type: linear, warmup_ratio: 0.2}}
      """, as: "same.yaml")
    #expect(pipeline.node("sft")?.planKey == same.node("sft")?.planKey)
    // A schedule of another type has nothing of the old one.
    let other = try load(
      "extends: base.yaml\nnodes: {sft: {schedule: {type: constant}}}\n", as: "other.yaml")
    #expect(other.name == "base" && other.node("dpo") != nil)
    // What a record keeps needs no other file.
    #expect(try loadAlone(pipeline.text).nodes.map(\.planKey) == pipeline.nodes.map(\.planKey))
  }

  private func loadAlone(_ text: String) throws -> ResolvedPipeline {
    try PipelineFile.load(text: text, file: "record.yaml", registry: toyRegistry, sources: ToySources())
  }

  @Test("files of other folders, one behind the other, and files of groups")
  func folders() throws {
    try folder.write("extends: ../base.yaml\nparams: {length: 64}\n", to: "team/middle.yaml")
    try folder.write(
      "params: {file: null}\nnodes:\n  rows: {type: load_dataset, from: \"${file}\"}\n  chat: {type: apply_template, dataset: rows}\n",
      to: "team/data.yaml")
    try folder.write(
      "params: {extra: 5}\nnodes: {more: {type: load_dataset, from: more.jsonl}}\n", to: "team/more.yaml")
    let pipeline = try load(
      """
      extends: team/middle.yaml
      include: [team/more.yaml]
      nodes:
        held: {group: team/data.yaml, file: more.jsonl}
        other: {type: apply_template, dataset: more, template: "t${extra}"}
      outputs: [dpo, held, other]
      """)
    #expect(pipeline.node("held-chat")?.inputs.first?.node == "held-rows" && pipeline.node("other") != nil)
    #expect(pipeline.parameters.first { $0.name == "length" }?.value == "64")
    #expect(try loadAlone(pipeline.text).nodes.map(\.planKey) == pipeline.nodes.map(\.planKey))
  }

  @Test("what is wrong is told at the line that asks for it, or in the file where it stands")
  func problems() throws {
    try folder.write("extends: two.yaml\n", to: "one.yaml")
    try folder.write("extends: one.yaml\n", to: "two.yaml")
    try folder.write("nodes: {rows: {type: load_dataset, from: more.jsonl}}\nmatrix: {seeds: 2}\n", to: "clash.yaml")
    try folder.write("pipeline: a\nnodes: [\n", to: "broken.yaml")
    for (text, words) in [
      (
        "extends: bas.yaml\npipeline: a\n",
        "own.yaml:1:10: error: Cannot read `bas.yaml`\n    extends: bas.yaml\n             ^\n  at `extends`\n  why: there is no such file"
      ),
      ("extends: one.yaml\n", "`one.yaml` builds on itself\n"),
      ("extends: one.yaml\n", "why: `one.yaml` → `two.yaml` → `one.yaml`"),
      (
        "pipeline: a\ninclude: [clash.yaml]\nnodes: {rows: {type: load_dataset, from: rows.jsonl}}\n",
        "own.yaml:3:9: error: `rows` stands under `nodes` of two files"
      ),
      ("pipeline: a\ninclude: clash.yaml\n", "clash.yaml:2:1: error: `matrix` of an included file has no effect"),
      ("pipeline: a\ninclude: broken.yaml\n", "broken.yaml:"),
      ("extends: [base.yaml]\n", "wanted: the path of a file"),
      ("extends: base.yaml\nnodes: {sft: {rnk: 4}}\n", "own.yaml:2:15: error: Unknown field `rnk`"),
      ("extends: base.yaml\nnodes: {chat: null}\n", "base.yaml:"),
    ] {
      let found = said(text)
      #expect(found.contains(words) || words.hasPrefix("wanted") && found.contains("the path of a file"), "\(found)")
    }
  }
}
