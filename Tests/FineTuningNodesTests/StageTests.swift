import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Stages over pairs in pipelines: every loss runs, is measured, and says what does not belong to it.
@Suite("Stages of training")
struct StageTests {
  private static let pairs = (1...6).map {
    #"{"prompt":"What is \#($0) plus \#($0)?","chosen":"It is \#($0 + $0).","rejected":"I do not know \#($0)."}"# + "\n"
  }.joined()

  private static func pipeline(_ train: String, evaluate: String = "") -> String {
    """
    pipeline: stages
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/pairs.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, validation: 0.5}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      adapted: {type: attach_adapter, model: base, rank: 2}
      tuned:
        {type: train, model: adapted, data: tokens.train, validation: tokens.validation, max_steps: 2, batch_size: 2,
         evaluate_every: 2, \(train)}
      quality: {type: evaluate, model: tuned, data: tokens.validation, \(evaluate)}
    """
  }

  @Test(
    "Runs and is measured by its own loss",
    arguments: [
      "stage: dpo, loss: hinge", "stage: dpo, loss: [sigmoid, ipo], loss_weights: [1, 0.1], sft_weight: 0.5",
      "stage: dpo, loss: aot", "stage: dpo, loss: bco_pair", "stage: dpo, ld_alpha: 0.5", "stage: dpo, wpo: true",
      "stage: dpo, f_divergence: alpha, f_alpha: 0.3", "stage: orpo", "stage: cpo", "stage: cpo, loss: ipo",
      "stage: simpo", "stage: simpo, alpha: 0.25",
    ])
  func runs(fields: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    let summary = try workspace.run(Self.pipeline(fields, evaluate: fields))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    func view(_ node: String, _ port: String) throws -> ArtefactView {
      let found = try #require(summary.nodes.first { $0.name == node }?.result?.outputs[port])
      return try ArtefactView(found, in: workspace.store)
    }
    let metrics = try view("tuned", "metrics")
    #expect(metrics.contains("rewards.svg"))
    let lines = try String(contentsOfFile: metrics.path(of: "metrics.jsonl"), encoding: .utf8).split(separator: "\n")
    let last = try JSON(parsing: String(try #require(lines.last)), file: "metrics.jsonl")
    #expect(last["eval_rewards_accuracy"]?.double != nil)
    // The model is measured by the loss that it was trained with, held-out rows and all: the same number.
    let quality = try view("quality", "metrics").details
    if !fields.contains("dpo") {
      let (own, held) = (try #require(quality["loss"]?.double), try #require(last["eval_loss"]?.double))
      #expect(abs(own - held) < 1e-5)
    }
  }

  @Test(
    "Says what has no effect",
    arguments: [
      ("stage: orpo, reference: base", "`reference` has no effect"), ("stage: sft, beta: 0.1", "`beta` has no effect"),
      ("stage: simpo, ld_alpha: 1", "`ld_alpha` has no effect"),
      ("stage: dpo, loss: hinge, label_smoothing: 0.1", "`label_smoothing` has no effect on the loss `hinge`"),
      ("stage: dpo, loss: aot, wpo: true", "the loss `aot` has none"),
      ("stage: dpo, loss: nca_pair, f_divergence: js", "`f_divergence` has no effect on the loss `nca_pair`"),
      ("stage: dpo, loss: [sigmoid, hinge], loss_weights: [1]", "`loss_weights` has 1 numbers, `loss` has 2"),
      ("stage: dpo, loss: [sigmoid, sigmoid]", "`loss` names a loss twice"),
      ("stage: dpo, f_alpha: 0.5", "`f_alpha` has no effect"),
    ])
  func refuses(fields: String, words: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    do {
      _ = try workspace.pipeline(Self.pipeline(fields))
      Issue.record("\(fields) is accepted")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.contains { $0.summary.contains(words) }, "\(error.diagnostics.map(\.summary))")
    }
  }
}
