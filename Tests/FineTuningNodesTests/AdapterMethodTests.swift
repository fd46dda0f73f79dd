import Diagnostics
import FineTuningNodes
import Foundation
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import TestKit
import Testing

/// Adapters of every method and option through a whole pipeline.
struct AdapterMethodTests {
  static let cases = [
    "method: lora, rank: 2, dora: true, dropout: 0.1", "method: lora, rank: 2, init: pissa",
    "method: lora, rank: 2, init: olora, rslora: true", "method: lora, rank: 2, init: orthogonal",
    "method: lora, rank: 2, init: gaussian, rank_pattern: [q_proj=3], alpha_pattern: [v_proj=5]",
    "method: lora, rank: 2, target_pattern: '.*\\.1\\.self_attn\\.[qv]_proj'",
    "method: lora, rank: 2, exclude: [down_proj], layers: [1]",
    "method: lora, rank: 2, train_modules: [embed_tokens, norm], train_biases: all",
    "method: lora, rank: 2, train_tokens: [5, 7]", "method: ia3", "method: ia3, feedforward: [o_proj, down_proj]",
    "method: oft, block_size: 8", "method: loha, rank: 2", "method: lokr, rank: 2, factor: 4", "method: vera, rank: 8",
    "method: hra, rank: 4", "method: boft, block_size: 4, butterfly: 2",
  ]

  @Test("is attached, trained, merged and exported, and nothing is found wrong", arguments: cases)
  func everyMethod(fields: String) throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      """
      pipeline: methods
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
        tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
        base: {type: load_model, from: DIR/tiny, compute: f32}
        fresh: {type: attach_adapter, model: base, \(fields)}
        tuned: {type: train, model: fresh, data: tokens.train, max_steps: 3, batch_size: 2, learning_rate: 0.01}
        merged: {type: merge, model: tuned, dtype: f32}
        folder: {type: export, model: tuned, tokenizer: tokenizer}
      """)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    for node in ["tuned", "merged"] {
      let metrics = try #require(summary.nodes.first { $0.name == node }?.result?.outputs["metrics"])
      let view = ArtefactView(metrics, in: workspace.store)
      let sanity = try readJSON(view.path(of: "sanity.json")).text()
      #expect(!sanity.contains("\"error\"") && !sanity.contains("\"warning\""), "\(node): \(sanity)")
    }
    let model = try #require(summary.nodes.first { $0.name == "folder" }?.result?.outputs.values.first)
    let view = ArtefactView(model, in: workspace.store)
    let folder = workspace.folder.path("peft")
    try view.linkMembers(into: folder)
    let adapter = try AdapterFolder(path: folder)
    let base = try ModelFolder.open(workspace.folder.path("tiny"))
    try adapter.check(against: base.configuration)
    let fresh = try #require(summary.nodes.first { $0.name == "fresh" }?.result?.outputs["model"])
    let trained = ArtefactView(fresh, in: workspace.store).details["trainable_parameters"]?.int
    // What was taken from the weight stands in the folder too.
    let isConverted = fields.contains("pissa") || fields.contains("olora")
    #expect(trained == base.configuration.trainedCount(adapter.configuration) / (isConverted ? 2 : 1))
  }

  /// What cannot be attached, the field that is named and the words.
  @Test(arguments: [
    ("init: pizza", "init", "No start of an adapter is named `pizza`"),
    ("layers: [9]", "layers", "There is no block 9"),
    ("target_pattern: '('", "target_pattern", "`(` is not a regular expression"),
    ("target_pattern: nothing", "target_pattern", "No linear map has a name that `nothing` matches as a whole"),
    (
      "rank_pattern: [q_proj]", "rank_pattern",
      "`rank_pattern` takes a list of entries such as `q_proj=16`, not `q_proj`"
    ),
    ("train_modules: [embed]", "train_modules", "No module's name ends in `embed`"),
    ("train_tokens: [100000]", "train_tokens", "`train_tokens` takes ids from 0 to"),
    ("init: orthogonal, rank: 3", "rank", "The rank of an orthogonal start is even, not 3"),
    ("init: olora, rank: 100", "rank", "Rank 100 is above the"),
    ("method: boft, block_size: 5", "block_size", "`block_size` 5 does not divide the 32 of"),
  ])
  func whatCannotBeAttached(fields: String, port: String, words: String) throws {
    let workspace = try TinyWorkspace()
    do {
      _ = try workspace.pipeline(
        """
        pipeline: wrong
        nodes:
          base: {type: load_model, from: DIR/tiny, compute: f32}
          fresh: {type: attach_adapter, model: base, \(fields)}
        """)
      Issue.record("no problem")
    } catch {
      let found = diagnostics(of: error)
      #expect(found.contains { $0.summary.hasPrefix(words) }, "\(found.rendered())")
      #expect(found.rendered().contains("fresh.\(port)"), "\(found.rendered())")
    }
  }
}
