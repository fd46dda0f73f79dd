import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Scores of references and teachers as a node: what trains and measures with them is what it is with the model.
@Suite("Scores that are asked beforehand")
struct ScoreTests {
  private static let rows = [
    "pairs": (1...6).map {
      #"{"prompt":"What is \#($0) plus \#($0)?","chosen":"It is \#($0 + $0).","rejected":"I do not know \#($0)."}"#
        + "\n"
    }.joined(),
    "answers": (1...8).map {
      #"{"prompt":"What is \#($0) plus \#($0)?","completion":"It is \#($0 + $0).","label":\#($0 % 2 == 0)}"# + "\n"
    }.joined(),
    "likeliest": (1...6).map {
      #"{"messages":[{"role":"user","content":"What is \#($0)?"},{"role":"assistant","content":"It is \#($0)."}]}"#
        + "\n"
    }.joined(),
  ]

  /// - Parameters:
  ///   - kind: What the scores are of.
  ///   - other: Where the model that is asked, or its scores, stands.
  private static func pipeline(
    _ kind: String, score: String = "", train: String, other: String, data: String = "[tokens.train, tokens.validation]"
  ) -> String {
    let port = kind == "likeliest" ? "teacher" : "reference"
    return """
      pipeline: scores
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        rows: {type: load_dataset, from: DIR/\(kind).jsonl}
        chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
        tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100, validation: 0.5}
        base: {type: load_model, from: DIR/tiny, compute: f32}
        given: {type: attach_adapter, model: base, from: DIR/adapter}
        adapted: {type: attach_adapter, model: base, rank: 2}
        known: {type: score, of: \(kind), model: given, data: \(data)\(score)}
        tuned:
          {type: train, model: adapted, \(port): \(other), data: tokens.train, validation: tokens.validation, max_steps: 3,
           batch_size: 2, evaluate_every: 3, \(train)}
        quality: {type: evaluate, model: tuned, \(port): \(other), data: tokens.validation, \(train)}
      """
  }

  private func workspace() throws -> TinyWorkspace {
    let workspace = try TinyWorkspace()
    for (name, text) in Self.rows { try workspace.folder.write(text, to: "\(name).jsonl") }
    return workspace
  }

  @Test(
    "Trains and measures as with the model itself",
    arguments: [
      ("pairs", "", "stage: dpo"), ("pairs", ", ld_alpha: 0.5", "stage: dpo, ld_alpha: 0.5"),
      ("answers", "", "stage: kto"), ("answers", ", mismatched: false", "stage: bco"),
      ("answers", ", mismatched: false", "stage: kto, loss: apo_zero_unpaired"),
      ("likeliest", ", top_k: 4, temperature: 2", "stage: distillation, top_k: 4, temperature: 2"),
    ])
  func isTheSame(kind: String, score: String, train: String) throws {
    let workspace = try workspace()
    func outputs(_ other: String) throws -> [Digest] {
      let summary = try workspace.run(Self.pipeline(kind, score: score, train: train, other: other))
      #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
      return try [("tuned", "model"), ("tuned", "metrics"), ("quality", "metrics")].map { node, port in
        let found = try #require(summary.nodes.first { $0.name == node }?.result?.outputs[port])
        return ArtefactView(found, in: workspace.store).digest
      }
    }
    #expect(try outputs("known") == outputs("given"))
  }

  @Test func otherRowsAreRefused() throws {
    let workspace = try workspace()
    let summary = try workspace.run(
      Self.pipeline("pairs", train: "stage: dpo", other: "known", data: "tokens.train"))
    #expect(
      summary.nodes.flatMap(\.problems).map(\.summary)
        == ["The scores at `reference` are of other rows than the held-out pairs"])
  }

  @Test(
    "Scores that do not fit are found before anything runs",
    arguments: [
      (
        "pairs", "", "stage: dpo, ld_alpha: 0.5",
        "The scores of `known` were made with `ld_alpha: 1`, wanted are 0.5"
      ),
      (
        "answers", ", mismatched: false", "stage: kto",
        "The scores of `known` were made with `mismatched: false`, wanted are true"
      ),
      (
        "likeliest", ", top_k: 4", "stage: distillation, top_k: 8",
        "The scores of `known` were made with `top_k: 4`, wanted are 8"
      ),
      ("likeliest", "", "stage: distillation, teacher_scores: all", "Scores stand where a model is wanted"),
      (
        "pairs", "", "stage: dpo, sync_reference: {every: 2}",
        "A reference that follows the model cannot be another one"
      ),
    ])
  func doesNotFit(kind: String, score: String, train: String, message: String) throws {
    let workspace = try workspace()
    do {
      _ = try workspace.pipeline(Self.pipeline(kind, score: score, train: train, other: "known"))
      Issue.record("nothing was wrong")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.map(\.summary).contains(message), "\(error.diagnostics.map(\.summary))")
    }
  }

  @Test func kindsOfRowsAreHeldAgainstWhatIsWanted() throws {
    let workspace = try workspace()
    try workspace.folder.write(Self.rows["answers"] ?? "", to: "pairs.jsonl")
    do {
      _ = try workspace.pipeline(Self.pipeline("pairs", train: "stage: dpo", other: "known"))
      Issue.record("nothing was wrong")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.contains { $0.path == "nodes.known.data" })
    }
  }
}
