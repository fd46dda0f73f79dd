import Diagnostics
import FineTuningNodes
import Foundation
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors
import TestKit
import Testing

/// `trainable`, `expand_model` and adapters in new blocks, in pipelines.
@Suite("Parts of a model in pipelines")
struct TrainablePartTests {
  private static func pipeline(_ fields: String, _ more: String = "", model: String = "base") -> String {
    """
    pipeline: parts
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      larger: {type: expand_model, model: base, blocks: 2}
      adapted: {type: attach_adapter, model: base, rank: 2}
      tuned:
        {type: train, model: \(model), data: tokens.train, max_steps: 3, batch_size: 2, learning_rate: 0.01, \(fields)}
    \(more)
    """
  }

  private func folder(_ summary: RunSummary, _ node: String, _ workspace: TinyWorkspace) throws -> ModelFolder {
    let model = try #require(summary.nodes.first { $0.name == node }?.result?.outputs["model"])
    let path = workspace.folder.path("linked-\(node)")
    try ArtefactView(model, in: workspace.store).linkMembers(into: path)
    return try ModelFolder.open(path + "/base")
  }

  private func sanity(_ summary: RunSummary, _ node: String, _ workspace: TinyWorkspace) throws -> String {
    let metrics = try #require(summary.nodes.first { $0.name == node }?.result?.outputs["metrics"])
    return try readJSON(ArtefactView(metrics, in: workspace.store).path(of: "sanity.json")).text()
  }

  /// What moves, and that all else is the base bit by bit.
  @Test(arguments: [
    ("{last: 1}", "layers\\.1\\."),
    ("{first: 1, modules: [mlp], extra_modules: [norm]}", "layers\\.0\\.mlp|model\\.norm"),
    ("{type: names, match: ['1\\.self_attn']}", "layers\\.1\\.self_attn"),
    ("{type: share, frozen: 0.7}", ""), ("{type: spectrum}", ""), ("{type: lisa, active: 1, switch_every: 3}", ""),
    ("{type: new_blocks, inserted: 2}", "layers\\.[01]\\."),
  ])
  func whatIsLeftOutStays(trainable: String, pattern: String) throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(Self.pipeline("trainable: \(trainable)"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let base = try ModelFolder.open(workspace.folder.path("tiny"))
    let tuned = try folder(summary, "tuned", workspace)
    let expression = try Regex(pattern)
    var moved = 0
    for tensor in base.configuration.tensors {
      let before = try base.weights.tensor(named: tensor.name, shape: tensor.shape).values
      let after = try tuned.weights.tensor(named: tensor.name, shape: tensor.shape).values
      if before != after { moved += 1 }
      if !pattern.isEmpty {
        #expect((before != after) == (tensor.name.firstMatch(of: expression) != nil), "\(tensor.name)")
      }
    }
    #expect(moved > 0)
    #expect(moved < base.configuration.tensors.count)
    let sanity = try sanity(summary, "tuned", workspace)
    #expect(!sanity.contains("\"error\"") && !sanity.contains("\"warning\""), "\(sanity)")
  }

  /// Ratios are parts in the store: another share computes none again.
  @Test func ratiosAreKnownTheSecondTime() throws {
    let workspace = try TinyWorkspace()
    let first = try workspace.run(Self.pipeline("trainable: {type: spectrum}"))
    let metrics = try #require(first["tuned"]?.result?.outputs["metrics"])
    let report = try readJSON(ArtefactView(metrics, in: workspace.store).path(of: "spectrum.json")).array ?? []
    #expect(report.count == 14)
    #expect(report.count { $0["trained"]?.bool == true } == 7)
    let parts = try FileManager.default.subpathsOfDirectory(atPath: workspace.folder.path("store")).filter {
      $0.hasPrefix("ac/")
    }.count
    let second = try workspace.run(Self.pipeline("trainable: {type: spectrum, top_percent: 100}"))
    #expect(second.state == .done)
    let more = try FileManager.default.subpathsOfDirectory(atPath: workspace.folder.path("store")).filter {
      $0.hasPrefix("ac/")
    }.count
    // The training's own result.
    #expect(more <= parts + 2, "\(parts) then \(more)")
  }

  @Test func newBlocksAreTrainedWholeOrWithAnAdapter() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      Self.pipeline(
        "trainable: {type: new_blocks}",
        """
          lora: {type: attach_adapter, model: larger, rank: 2, new_blocks: true}
          beside: {type: train, model: lora, data: tokens.train, max_steps: 3, batch_size: 2, learning_rate: 0.01}
          merged: {type: merge, model: beside, dtype: f32}
          folder: {type: export, model: tuned, tokenizer: tokenizer}
          again: {type: train, model: merged, data: tokens.train, max_steps: 1, trainable: {type: new_blocks}}
        """, model: "larger"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let larger = try folder(summary, "larger", workspace)
    #expect(larger.configuration.blocks.count == 4)
    let tuned = try folder(summary, "tuned", workspace)
    for tensor in larger.configuration.tensors {
      let before = try larger.weights.tensor(named: tensor.name, shape: tensor.shape).values
      let after = try tuned.weights.tensor(named: tensor.name, shape: tensor.shape).values
      let isNew = tensor.name.contains("layers.1.") || tensor.name.contains("layers.3.")
      #expect((before != after) == isNew, "\(tensor.name)")
    }
    let beside = try #require(summary["beside"]?.result?.outputs["model"])
    let adapter = try ArtefactView(beside, in: workspace.store).path(of: "adapter/adapter_config.json")
    #expect(try readJSON(adapter)["layers_to_transform"] == [1, 3])
    for node in ["tuned", "beside", "merged"] {
      let sanity = try sanity(summary, node, workspace)
      #expect(!sanity.contains("\"error\"") && !sanity.contains("\"warning\""), "\(node): \(sanity)")
    }
  }

  @Test(arguments: [
    (
      "trainable: {last: 1}", "adapted", "tuned.trainable",
      "`trainable` has no effect: the model has an adapter"
    ),
    ("trainable: {last: 3}", "base", "tuned.trainable.last", "`last` is 3, but the model has 2 blocks"),
    ("trainable: {last: 1, first: 1}", "base", "tuned.trainable", "`last` and `first` both say which blocks"),
    ("trainable: {last: 2, modules: [mpl]}", "base", "tuned.trainable.modules", "`modules` names `mpl`"),
    ("trainable: {type: names}", "base", "tuned.trainable", "`match` names nothing"),
    ("trainable: {type: new_blocks}", "base", "tuned.trainable.inserted", "The model has no new blocks"),
    ("trainable: {type: lisa}", "base", "tuned.trainable.active", "`active` is 2, but the model has 2 blocks"),
    (
      "trainable: {type: lisa, active: 1}, optimizer: {type: badam}", "base", "tuned.optimizer",
      "`badam` does not go with `trainable: {type: lisa}`"
    ), ("trainable: {type: lisa, last: 1}", "base", "tuned.trainable.last", "`last` has no effect with `type: lisa`"),
    ("trainable: {last: 5}", "larger", "tuned.trainable.last", "`last` is 5, but the model has 4 blocks"),
  ])
  func whatDoesNotFit(fields: String, model: String, path: String, words: String) throws {
    do {
      _ = try TinyWorkspace().pipeline(Self.pipeline(fields, model: model))
      Issue.record("accepted")
    } catch {
      let found = diagnostics(of: error).filter { $0.severity == .error }
      #expect(found.count == 1)
      #expect(found.first?.summary.hasPrefix(words) == true, "\(found.map(\.summary))")
      #expect(found.first?.path == "nodes." + path, "\(found.map(\.path))")
    }
  }

  @Test(arguments: [
    ("other: {type: expand_model, model: base, blocks: 3}", "other.blocks", "3 new blocks cannot stand at equal"),
    ("other: {type: expand_model, model: adapted, blocks: 1}", "other.model", "The model has an adapter"),
    ("other: {type: attach_adapter, model: base, new_blocks: true}", "other.new_blocks", "The model has no new blocks"),
    (
      "other: {type: attach_adapter, model: larger, new_blocks: true, layers: [1]}", "other.layers",
      "`layers` has no effect with `new_blocks: true`"
    ),
  ])
  func whatCannotBeExpanded(line: String, path: String, words: String) throws {
    do {
      _ = try TinyWorkspace().pipeline(Self.pipeline("keep_checkpoints: 1", "  " + line))
      Issue.record("accepted")
    } catch {
      let found = diagnostics(of: error).filter { $0.severity == .error }
      #expect(found.first?.summary.hasPrefix(words) == true, "\(found.map(\.summary))")
      #expect(found.first?.path == "nodes." + path)
    }
  }
}
