import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// What stages that sample can be told beside their rewards, and samples of all others.
@Suite("Judges, references that follow, and samples")
struct RolloutOptionTests {
  private static let prompts = (1...4).map { #"{"prompt":"What is \#($0) plus \#($0)?"}"# + "\n" }.joined()

  private static func pipeline(_ train: String, _ more: String = "") -> String {
    """
    pipeline: rollouts
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/prompts.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      adapted: {type: attach_adapter, model: base, rank: 2}
      tuned:
        {type: train, model: adapted, tokenizer: tokenizer, data: tokens.train, max_steps: 3, batch_size: 2, max_completion: 5,
         learning_rate: 0.01, log_every: 1, \(train)}\(more)
    """
  }

  private func summary(_ text: String) throws -> (TinyWorkspace, RunSummary) {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.prompts, to: "prompts.jsonl")
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    return (workspace, summary)
  }

  private func records(_ run: (TinyWorkspace, RunSummary), _ file: String = "metrics.jsonl") throws -> [JSON] {
    let found = try #require(run.1.nodes.first { $0.name == "tuned" }?.result?.outputs["metrics"])
    let path = try ArtefactView(found, in: run.0.store).path(of: file)
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSON(parsing: String($0), file: file)
    }
  }

  @Test func aJudgeMarksAnswers() throws {
    let run = try summary(
      Self.pipeline(
        "stage: grpo, generations: 2, judge: {maximum: 5, max_tokens: 4}, judge_model: base, judge_tokenizer: tokenizer"
      ))
    #expect(try records(run).count == 3)
  }

  @Test(arguments: ["grpo, generations: 2", "rloo, generations: 2", "ppo"])
  func aReferenceThatFollows(stage: String) throws {
    let coefficient = stage == "ppo" ? "kl_coefficient" : "beta"
    let run = try summary(
      Self.pipeline(
        "stage: \(stage), \(coefficient): 0.1, sync_reference: {every: 1, share: 1}, rewards: [{type: regex, pattern: '[aeiou]'}]"
      ))
    // A reference that is the policy of the step before is not away from it when answers are sampled.
    for record in try records(run) {
      if let away = record["kl"]?.double { #expect(abs(away) < 1e-6) }
    }
    let still = try summary(
      Self.pipeline(
        "stage: \(stage), \(coefficient): 0.1, rewards: [{type: regex, pattern: '[aeiou]'}]"))
    if stage.hasPrefix("grpo") {
      #expect(try records(still).contains { abs($0["kl"]?.double ?? 0) > 1e-6 })
    }
  }

  /// Nothing is wrong with a training whose answers all earn the same: the next ones may not.
  @Test(arguments: ["grpo", "rloo"])
  func roundsWithoutAnyGradientEndNothing(stage: String) throws {
    let run = try summary(
      Self.pipeline("stage: \(stage), generations: 2, rewards: [{type: regex, pattern: 'never said'}]")
        .replacing("max_steps: 3", with: "max_steps: 10"))
    #expect(try records(run).count == 10)
    let result = try #require(run.1["tuned"]?.result)
    let told = SanityFindings(result).all.filter { $0.name == "gradient" }
    #expect(told.map(\.summary) == ["The gradient was exactly zero in 10 steps"])
  }

  @Test func samplesAreKeptBesideMetrics() throws {
    let run = try summary(
      Self.pipeline(
        "stage: grpo, generations: 2, samples: {every: 2, prompts: 3, max_tokens: 4}, "
          + "rewards: [{type: regex, pattern: '[aeiou]'}]"))
    let samples = try records(run, "samples.jsonl")
    #expect(samples.map { $0["step"]?.int } == [2, 2, 2, 3, 3, 3])
    #expect(samples.allSatisfy { $0["answer"]?.string != nil && $0["prompt"]?.string?.contains("plus") == true })
    #expect(try records(run).allSatisfy { $0["samples"] == nil })
  }
}
