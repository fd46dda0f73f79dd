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

/// Whole models merged with weights through a pipeline.
struct MergeModelsTests {
  private static let trained = """
    pipeline: merged
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      one: {type: train, model: base, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 0.01}
      two: {type: train, model: base, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 0.02, seed: 7}

    """

  @Test(arguments: [
    "models: [one, two]", "models: [one, two], weights: [0.3, 0.7], normalize: false, dtype: f32",
    "models: [one, two], method: slerp, t: 0.25", "models: [one, two], base: base, method: task_arithmetic",
    "models: [one, two], base: base, method: ties, density: 0.3",
    "models: [one, two], base: base, method: dare_linear, weights: [0.5, 0.5]",
    "models: [one, two], base: base, method: dare_ties, seed: 3",
  ])
  func becomesAModelThatIsUsed(fields: String) throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      Self.trained + """
          merged: {type: merge_models, \(fields)}
          quality: {type: evaluate, model: merged, data: tokens.train}
          folder: {type: export, model: merged, tokenizer: tokenizer}
        """)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let metrics = try #require(summary.nodes.first { $0.name == "merged" }?.result?.outputs["metrics"])
    let sanity = try readJSON(ArtefactView(metrics, in: workspace.store).path(of: "sanity.json")).text()
    #expect(!sanity.contains("\"error\"") && !sanity.contains("\"warning\""), "\(sanity)")
  }

  @Test func valuesAreWeighted() throws {
    let workspace = try TinyWorkspace()
    let summary = try workspace.run(
      Self.trained + "  merged: {type: merge_models, models: [one, two], weights: [3, 1], dtype: f32}\n")
    func tensor(_ node: String) throws -> [Float] {
      let model = try #require(summary.nodes.first { $0.name == node }?.result?.outputs["model"])
      let file = try SafetensorsFile(
        path: ArtefactView(model, in: workspace.store).path(of: "base/model.safetensors"))
      let name = "model.layers.1.mlp.down_proj.weight"
      var values = [Float](repeating: 0, count: try file.entry(name).count)
      try values.withUnsafeMutableBufferPointer { try file.readFloats(name, into: $0) }
      return values
    }
    let expected = zip(try tensor("one"), try tensor("two")).map { 0.75 * $0 + 0.25 * $1 }
    #expect(largestDifference(try tensor("merged"), expected) < 1e-6)
  }

  /// What is refused before anything runs, where, and in which words.
  @Test(arguments: [
    ("models: [base]", "models", "There is nothing to merge"),
    ("models: [base, base, base], method: slerp", "models", "`slerp` goes from one model to another, and there are 3"),
    ("models: [base, lora]", "models", "`lora` has an adapter"),
    ("models: [base, base], weights: [1]", "weights", "`weights` has 1 of them for 2 models"),
    ("models: [base, base], weights: [0, 0]", "weights", "Nothing is merged: every weight is 0"),
    ("models: [base, base], method: ties", "base", "missing"),
    ("models: [base, base], base: base", "base", "no effect"),
    ("models: [base, base], t: 0.5", "t", "no effect"),
    ("models: [base, base], density: 0.5", "density", "no effect"),
    ("models: [base, wide]", "models", "`wide` has another shape than `base`"),
    ("models: [base, base], base: wide, method: ties", "base", "`wide` has another shape than `base`"),
  ])
  func whatDoesNotFit(fields: String, port: String, words: String) throws {
    let workspace = try TinyWorkspace()
    try FileManager.default.copyItem(
      atPath: workspace.folder.path("tiny"), toPath: workspace.folder.path("wide"))
    let config = try String(contentsOfFile: workspace.folder.path("wide/config.json"), encoding: .utf8)
    let size = try #require(try JSON(parsing: config)["intermediate_size"]?.int)
    let wide = config.replacing("\"intermediate_size\": \(size)", with: "\"intermediate_size\": \(2 * size)")
    try workspace.folder.write(wide, to: "wide/config.json")
    let tensors = try ModelConfiguration(huggingFace: JSON(parsing: wide)).tensors
    let writer = try SafetensorsWriter(
      path: workspace.folder.path("wide/model.safetensors"),
      tensors: tensors.map { .init(name: $0.name, type: .float32, shape: $0.shape) })
    for tensor in tensors {
      try [Float](repeating: 0.5, count: tensor.shape.reduce(1, *)).withUnsafeBufferPointer {
        try writer.write(tensor.name, floats: $0)
      }
    }
    try writer.finish()
    do {
      _ = try workspace.pipeline(
        """
        pipeline: wrong
        nodes:
          base: {type: load_model, from: DIR/tiny, compute: f32}
          wide: {type: load_model, from: DIR/wide, compute: f32}
          lora: {type: attach_adapter, model: base}
          merged: {type: merge_models, \(fields)}
        """)
      Issue.record("no problem")
    } catch {
      let found = diagnostics(of: error).rendered()
      #expect(found.contains(words), "\(found)")
      #expect(found.contains("merged.\(port)") || found.contains("`\(port)`"), "\(found)")
    }
  }
}
