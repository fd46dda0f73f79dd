import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import Tensors
import TestKit
import Testing

/// Keys as they are frozen: a result that somebody has made is found under the same key by the next version, or on purpose
/// under none.
///
/// A line that differs means that every such result anywhere is made again. Where that is meant, it is the work of an
/// `implementationVersion` that rose, or of a new version of the key's format: docs/formats/keys.md says what to write there.
@Suite("Golden keys") struct GoldenKeyTests {
  /// Each node type with fields of all kinds: numbers, texts, lists, maps, choices with fields of their own, no value.
  private static let pipeline = """
    pipeline: golden
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer, date: 2024-07-26, learn: last_answer}
      tokens:
        {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, packing: true, validation: 0.5}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      lora:
        {type: attach_adapter, model: base, rank: 2, alpha: 4.5, targets: [q_proj, v_proj], rank_pattern: ["q_proj=4"], seed: 7}
      sft:
        {type: train, model: lora, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 3e-4,
         schedule: {type: cosine, warmup_steps: 1}, optimizer: {type: lion, betas: [0.9, 0.99]}, max_tokens: null}
      full: {type: train, model: base, data: tokens.train, epochs: 0.5, learning_rate: 1e-5, optimizer: {weight_decay: 0.1}}
      known: {type: score, of: likeliest, model: lora, data: tokens.validation, top_k: 2}
      quality: {type: evaluate, model: sft, data: tokens.validation}
      answers: {type: predict, model: sft, tokenizer: tokenizer, prompts: [Who are you?, "näh \\u2028 \\U0001F331"], max_tokens: 8}
      larger: {type: expand_model, model: base, blocks: 1}
      both: {type: merge_adapters, models: [lora, sft], weights: [1, 0.5]}
      merged: {type: merge, model: sft, dtype: bf16}
      mixed: {type: merge_models, models: [base, merged], weights: [0.5, 0.25], normalize: false}
      folder: {type: export, model: merged, tokenizer: tokenizer}
      own:
        {type: exec, command: [sh, -c, "echo {threads} > {outputs.made}/x"], outputs: {made: files, numbers: metrics},
         environment: {A: b}, inherit: [TERM], version: 1}
    """

  @Test("the plan keys of all node types are those of the last release")
  func planKeys() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(#"{"prompt":"One?","response":"Two."}"# + "\n", to: "rows.jsonl")
    let pipeline = try workspace.pipeline(Self.pipeline, in: workspace.store)
    let found = pipeline.nodes.sorted { $0.name < $1.name }.map { node in
      "\(node.name) \(node.type.name) \(node.type.implementationVersion) \(node.planKey.hex)"
    }
    let here = ComputeClass.f32.name(on: try KernelSet.chosenByEnvironment())
    let lines = try String(contentsOfFile: fixture("Pipeline/golden-keys.txt"), encoding: .utf8)
      .split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
    // Of a class without lines of its own, what hangs on no class is compared.
    let golden = Dictionary(
      uniqueKeysWithValues: lines.filter { $0.count == 4 || $0[4] == here }.map {
        ($0[0], $0[..<4].joined(separator: " "))
      })
    for line in found {
      let name = String(line.prefix { $0 != " " })
      if let wanted = golden[name] { #expect(line == wanted) }
      #expect(lines.contains { $0[0] == name }, "a new line: \(line) \(here)")
    }
    // Every node type has a line.
    #expect(Set(pipeline.nodes.map(\.type.name)).isSuperset(of: fineTuningNodes.names))
  }
}
