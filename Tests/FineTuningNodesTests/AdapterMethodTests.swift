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
    "method: lora, rank: 2, train_modules: [embed_tokens, norm]",
    #"method: lora, rank: 2, target_pattern: 'model\.layers\.\d\.mlp\..*'"#,
    "method: lora, rank: 2, train_tokens: [5, 7]", "method: ia3", "method: ia3, feedforward: [o_proj, down_proj]",
    "method: oft, block_size: 8", "method: loha, rank: 2", "method: lokr, rank: 2, factor: 4", "method: vera, rank: 8",
    "method: hra, rank: 4", "method: boft, block_size: 4, butterfly: 2",
    "method: miss, rank: 4, dropout: 0.1",
    "method: road, block_size: 8",
    "method: c3a, block_size: 4",
    "method: lora, rank: 2, init: eva, data: tokens.train",
    "method: lora, rank: 2, init: eva, rho: 1, data: tokens.train",
    "method: lora, rank: 2, init: corda, data: tokens.train, samples: 3",
    "method: lora, rank: 2, init: corda, corda_method: kpm, data: tokens.train, dora: true",
    "method: lora, rank: 2, init: lora_ga, rslora: true, data: tokens.train",
    "method: adalora, rank: 4, target_rank: 4, tfinal: 1",
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
    let isConverted = ["pissa", "olora", "corda", "lora_ga"].contains { fields.contains("init: \($0)") }
    let whole = base.configuration.trainedCount(adapter.configuration)
    // Of DoRA the lengths are not twice as many.
    if !fields.contains("dora: true") {
      #expect(trained == whole / (isConverted ? 2 : 1))
    }
  }

  /// What a start found out is not computed again for another scale, seed, node or rank up to the next power of two.
  @Test(arguments: ["init: eva", "init: corda", "init: corda, corda_method: kpm", "init: lora_ga"])
  func whatWasFoundOut(fields: String) throws {
    let workspace = try TinyWorkspace()
    func run(_ name: String, _ more: String) throws -> String {
      let summary = try workspace.run(
        """
        pipeline: starts
        nodes:
          tokenizer: {type: load_tokenizer, from: DIR/tiny}
          rows: {type: load_dataset, from: DIR/rows.jsonl}
          chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
          tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
          base: {type: load_model, from: DIR/tiny, compute: f32}
          \(name): {type: attach_adapter, model: base, data: tokens.train, \(fields), \(more)}
        """)
      #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
      return try String(contentsOfFile: workspace.folder.path("\(name).log"), encoding: .utf8)
    }
    #expect(try run("first", "rank: 2").contains("blocks: 2 computed"))
    #expect(try run("second", "rank: 2, alpha: 7, seed: 3").contains("blocks: 0 computed"))
    #expect(try run("third", "rank: 6, rslora: true").contains("blocks: 0 computed"))
    #expect(try run("fourth", "rank: 2, samples: 2").contains("blocks: 2 computed"))
    #expect(try run("fifth", "rank: 2, targets: [q_proj]").contains("blocks: 2 computed"))
  }

  /// LoftQ stands beside a base that is rounded.
  @Test func whatTheBaseLost() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      """
      pipeline: loftq
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
        tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
        base: {type: load_model, from: DIR/tiny, compute: f32, weights: nf4}
        exact: {type: load_model, from: DIR/tiny, compute: f32}
        fresh: {type: attach_adapter, model: base, init: loftq, rank: 16}
        plain: {type: attach_adapter, model: base, rank: 16}
        tuned: {type: train, model: fresh, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 0.001}
        of_exact: {type: evaluate, model: exact, data: tokens.train}
        of_plain: {type: evaluate, model: plain, data: tokens.train}
        of_fresh: {type: evaluate, model: fresh, data: tokens.train}
      """)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    func loss(_ node: String) throws -> Double {
      let metrics = try #require(summary.nodes.first { $0.name == node }?.result?.outputs["metrics"])
      return try #require(
        readJSON(ArtefactView(metrics, in: workspace.store).path(of: "metrics.json"))["loss"]?.double)
    }
    let exact = try loss("of_exact")
    #expect(abs(try loss("of_fresh") - exact) < abs(try loss("of_plain") - exact))
  }

  /// Through everything but merging, which is refused.
  @Test(arguments: [
    "prompt_tuning, virtual_tokens: 4", "prompt_tuning, virtual_tokens: 20, init: vocabulary",
    "prefix_tuning, virtual_tokens: 4", "prefix_tuning, virtual_tokens: 4, projection: 16",
    "p_tuning, virtual_tokens: 4", "p_tuning, virtual_tokens: 20, encoder: lstm, encoder_size: 8, encoder_layers: 1",
  ])
  func learnedTokensBeforeTexts(fields: String) throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      """
      pipeline: prompts
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        rows: {type: load_dataset, from: DIR/rows.jsonl}
        chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
        tokens:
          {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, packing: true, validation: 0.5}
        base: {type: load_model, from: DIR/tiny, compute: f32}
        fresh: {type: attach_adapter, model: base, method: \(fields)}
        tuned:
          {type: train, model: fresh, data: tokens.train, max_steps: 40, batch_size: 2, learning_rate: 0.05,
           neftune_alpha: 5}
        quality: {type: evaluate, model: tuned, data: tokens.validation}
        answers: {type: predict, model: tuned, tokenizer: tokenizer, prompts: [Who are you?], max_tokens: 8}
        folder: {type: export, model: tuned, tokenizer: tokenizer}
        more: {type: train, model: tuned, data: tokens.train, max_steps: 1, batch_size: 2}
      """)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let metrics = try #require(summary["tuned"]?.result?.outputs["metrics"])
    let view = ArtefactView(metrics, in: workspace.store)
    let sanity = try readJSON(view.path(of: "sanity.json")).text()
    #expect(!sanity.contains("\"error\"") && !sanity.contains("\"warning\""), "\(sanity)")
    let losses = try String(contentsOfFile: view.path(of: "metrics.jsonl"), encoding: .utf8).split(separator: "\n")
      .compactMap { try JSON(parsing: String($0), file: "")["loss"]?.double }
    #expect(try #require(losses.last) < losses[0])
    let exported = try #require(summary["folder"]?.result?.outputs.values.first)
    let path = workspace.folder.path("peft")
    try ArtefactView(exported, in: workspace.store).linkMembers(into: path)
    let adapter = try AdapterFolder(path: path)
    #expect(adapter.configuration.method.virtualTokens == (fields.contains("20") ? 20 : 4))
    #expect(try readJSON(path + "/adapter_config.json")["target_modules"] == nil)
    // It goes on from its folder.
    let again = try workspace.run(
      """
      pipeline: again
      nodes:
        base: {type: load_model, from: DIR/tiny, compute: f32}
        given: {type: attach_adapter, model: base, from: DIR/peft}
      """)
    #expect(again.state == .done, "\(again.nodes.flatMap(\.problems).map(\.summary))")
  }

  @Test(arguments: [
    (
      "merged: {type: merge, model: fresh}", "merged.model",
      "The adapter cannot be merged: it puts 20 learned tokens before every text"
    ),
    (
      "other: {type: attach_adapter, model: base, method: prompt_tuning, virtual_tokens: 512}", "other.virtual_tokens",
      "`virtual_tokens` takes a number below the 512 positions of the model, not 512"
    ),
    (
      "other: {type: attach_adapter, model: base, method: prompt_tuning, rank: 4}", "other.rank",
      "`rank` has no effect with `method: prompt_tuning`"
    ),
    (
      "other: {type: attach_adapter, model: base, method: prompt_tuning, targets: [q_proj]}", "other.targets",
      "`targets` has no effect with `method: prompt_tuning`"
    ),
    (
      "other: {type: attach_adapter, model: base, method: prompt_tuning, init: pissa}", "other.init",
      "No start of an adapter is named `pissa`"
    ),
    (
      "other: {type: attach_adapter, model: base, virtual_tokens: 4}", "other.virtual_tokens",
      "`virtual_tokens` has no effect with `method: lora`"
    ),
    ("tuned: {type: train, model: fresh, data: tokens.train, max_steps: 1}", "tuned.data", "Rows may be longer"),
  ])
  func whatLearnedTokensDoNotDo(line: String, path: String, words: String) throws {
    do {
      _ = try TinyWorkspace().pipeline(
        """
        pipeline: wrong
        nodes:
          tokenizer: {type: load_tokenizer, from: DIR/tiny}
          rows: {type: load_dataset, from: DIR/rows.jsonl}
          chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
          tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 500}
          base: {type: load_model, from: DIR/tiny, compute: f32}
          fresh: {type: attach_adapter, model: base, method: prompt_tuning}
          \(line)
        """)
      Issue.record("no problem")
    } catch {
      let found = diagnostics(of: error).filter { $0.severity == .error }
      #expect(found.first?.summary.hasPrefix(words) == true, "\(found.map(\.summary))")
      #expect(found.first?.path == "nodes." + path, "\(found.map(\.path))")
    }
  }

  /// What cannot be attached, the field that is named and the words.
  @Test(arguments: [
    ("init: pizza", "init", "`pizza` is not one of"),
    ("init: pissa, data: base", "data", "`data` has no effect"),
    ("init: loftq", "init", "`init: loftq` has no effect: the base is not rounded"),
    ("init: loftq, dora: true", "dora", "`dora` takes `false` beside `init: loftq`, not `true`"),
    ("init: pissa, samples: 3", "samples", "`samples` has no effect"),
    ("init: eva, gamma: 3, data: base", "gamma", "`gamma` has no effect"),
    ("method: adalora, target_rank: 9", "target_rank", "`target_rank` takes at most `rank`, 8, not 9"),
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
    ("method: road, block_size: 5", "block_size", "`block_size` takes an even number, not 5"),
    ("method: c3a, block_size: 5", "block_size", "`block_size` 5 does not divide the 32 of"),
    ("exclude: [q_prj]", "exclude", "`exclude` leaves nothing out by `q_prj`: no target is named so"),
    ("targets: [q_proj], exclude: [v_proj]", "exclude", "`exclude` leaves nothing out by `v_proj`"),
    ("rank_pattern: [qq=4]", "rank_pattern", "`rank_pattern` says `qq=4`, and the name of no adapted map ends so"),
    ("alpha_pattern: [qq=4]", "alpha_pattern", "`alpha_pattern` says `qq=4`, and the name of no adapted map ends so"),
    ("train_biases: all", "train_biases", "There are no biases to train"),
    ("method: c3a, block_size: 16, train_tokens: [5]", "train_tokens", "`train_tokens` has no effect"),
    ("method: miss, train_biases: all", "train_biases", "`train_biases` has no effect"),
    (
      "method: ia3, feedforward: [q_proj], targets: [v_proj]", "feedforward",
      "`feedforward` names `q_proj`, which is not among the adapted maps"
    ),
    ("method: p_tuning, encoder_layers: 1", "encoder_layers", "`encoder_layers` has no effect"),
    ("method: prompt_tuning, encoder: lstm", "encoder", "`encoder` has no effect"),
    ("method: p_tuning, projection: 8", "projection", "`projection` has no effect"),
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
