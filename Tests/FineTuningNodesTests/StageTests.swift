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
      return ArtefactView(found, in: workspace.store)
    }
    let metrics = try view("tuned", "metrics")
    #expect(metrics.contains("rewards.svg"))
    let lines = try String(contentsOfFile: metrics.path(of: "metrics.jsonl"), encoding: .utf8).split(separator: "\n")
    let last = try JSON(parsing: String(try #require(lines.last)), file: "metrics.jsonl")
    #expect(last["eval_rewards_accuracy"]?.double != nil)
    try everyMeasureCanBeTheBest(last) {
      Self.pipeline(fields + $0)
    } in: {
      _ = try workspace.pipeline($0)
    }
    // The model is measured by the loss that it was trained with, held-out rows and all: the same number.
    let quality = try view("quality", "metrics").details
    if !fields.contains("dpo") {
      let (own, held) = (try #require(quality["loss"]?.double), try #require(last["eval_loss"]?.double))
      #expect(abs(own - held) < 1e-5)
    }
  }

  /// What a stage tells of held-out rows it says beforehand, so that the best weights can be chosen by it.
  private func everyMeasureCanBeTheBest(
    _ record: JSON, of pipeline: (String) -> String, in check: (String) throws -> Void
  ) throws {
    let measures = (record.object?.members ?? []).map(\.key).filter { $0.hasPrefix("eval_") }.map { $0.dropFirst(5) }
    #expect(measures.count > 1)
    for measure in measures { try check(pipeline(", keep: best, best_measure: \(measure), best_goal: higher")) }
    #expect(throws: (any Error).self) { try check(pipeline(", keep: best, best_measure: nothing, best_goal: higher")) }
  }

  /// With a rate of 0 nothing moves: held-out rows that are the rows have their loss, by the head that is trained.
  @Test func rewardsOfHeldOutRowsAreThoseOfTheHeadThatIsTrained() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    let text = Self.pipeline("stage: rm, learning_rate: 0, seed: 7", evaluate: "stage: rm").replacing(
      "validation: tokens.validation, max_steps: 2, batch_size: 2",
      with: "validation: tokens.train, max_steps: 2, batch_size: 99")
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let found = try #require(summary.nodes.first { $0.name == "tuned" }?.result?.outputs["metrics"])
    let path = try ArtefactView(found, in: workspace.store).path(of: "metrics.jsonl")
    let records = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSON(parsing: String($0), file: "metrics.jsonl")
    }
    let losses = records.compactMap { $0["loss"]?.double }
    let held = records.compactMap { $0["eval_loss"]?.double }
    #expect(abs(try #require(losses.first) - (try #require(held.first))) < 1e-6)
  }

  /// Sums of one source with weights and of another without, and texts.
  @Test(
    "Conversations and texts",
    arguments: [
      "stage: sft, by_source: true", "stage: sft, loss: asft, asft_weight: 0.2",
      "stage: sft, loss: asft, asft_kl: reverse, reference: base", "stage: sft, label_smoothing: 0.1, neftune_alpha: 5",
      "stage: pt, neftune_alpha: 5",
    ])
  func singleSequences(fields: String) throws {
    let workspace = try TinyWorkspace()
    let isText = fields.contains("stage: pt")
    func rows(_ more: String, _ numbers: ClosedRange<Int>) -> String {
      numbers.map {
        isText
          ? #"{"text":"\#($0) plus \#($0) is \#($0 + $0), as everybody knows who can count."}"# + "\n"
          : #"{"messages":[{"role":"user","content":"What is \#($0) plus \#($0)?"},{"role":"assistant","content":"It is \#($0 + $0)."\#(more)}]}"#
            + "\n"
      }.joined()
    }
    try workspace.folder.write(
      rows(#","weight":0.5,"spans":[{"start":6,"end":7,"weight":4}]"#, 1...5), to: "a.jsonl")
    try workspace.folder.write(rows("", 6...12), to: "b.jsonl")
    let tokenize = isText ? "fill_rows: true, max_length: 16" : "max_length: 100"
    let summary = try workspace.run(
      """
      pipeline: stages
      nodes:
        tokenizer: {type: load_tokenizer, from: DIR/tiny}
        a: {type: load_dataset, from: DIR/a.jsonl, source: sums}
        b: {type: load_dataset, from: DIR/b.jsonl}
        chat: {type: apply_template, dataset: [a, b], tokenizer: tokenizer}
        tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, \(tokenize), validation: 0.3}
        base: {type: load_model, from: DIR/tiny, compute: f32}
        adapted: {type: attach_adapter, model: base, rank: 2}
        tuned:
          {type: train, model: adapted, data: tokens.train, validation: tokens.validation, max_steps: 3, batch_size: 4,
           evaluate_every: 3, \(fields)}
        quality: {type: evaluate, model: tuned, data: tokens.validation, \(fields.replacing(", neftune_alpha: 5", with: ""))}
      """)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    func view(_ node: String, _ port: String) throws -> ArtefactView {
      let found = try #require(summary.nodes.first { $0.name == node }?.result?.outputs[port])
      return ArtefactView(found, in: workspace.store)
    }
    let tokens = try view("tokens", "train").details
    let metrics = try view("tuned", "metrics")
    let lines = try String(contentsOfFile: metrics.path(of: "metrics.jsonl"), encoding: .utf8).split(separator: "\n")
    let first = try JSON(parsing: String(try #require(lines.first)), file: "metrics.jsonl")
    let last = try JSON(parsing: String(try #require(lines.last)), file: "metrics.jsonl")
    if isText {
      #expect(tokens["report"]?["cuts"]?.int.map { $0 > 0 } == true)
      #expect(tokens["counts"]?["longest_row"]?.int == 16)
    } else {
      #expect(tokens["counts"]?["weighted_labels"]?.int.map { $0 > 0 } == true)
      #expect(tokens["counts"]?["sources"]?["sums"]?.int.map { $0 > 0 } == true)
    }
    if fields.contains("by_source") {
      #expect(metrics.contains("sources.svg"))
      #expect(first["tokens/sums"]?.double != nil && first["loss/none"]?.double != nil)
      #expect(last["eval_loss/sums"]?.double != nil || last["eval_loss/none"]?.double != nil)
    }
    if fields.contains("asft") {
      // A fresh adapter is the model without it.
      #expect(first["kl"]?.double.map { abs($0) < 1e-5 } == true)
      #expect(last["eval_kl"]?.double.map { $0 >= -1e-6 } == true)
    }
    let (own, held) = (try #require(view("quality", "metrics").details["loss"]?.double), last["eval_loss"]?.double)
    #expect(abs(own - (try #require(held))) < 1e-5)
  }

  private static let judged = (1...6).map {
    #"{"prompt":"What is \#($0) plus \#($0)?","completion":"It is \#($0 + $0 % 2).","label":\#($0 % 2 == 0)}"# + "\n"
  }.joined()

  @Test(
    "Answers that are judged are learned and measured",
    arguments: ["stage: kto", "stage: kto, loss: apo_zero_unpaired, beta: 0.5", "stage: bco"])
  func judgedAnswers(stage: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.judged, to: "pairs.jsonl")
    let summary = try workspace.run(Self.pipeline(stage, evaluate: stage + ", reference: base"))
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let found = try #require(summary.nodes.first { $0.name == "quality" }?.result?.outputs["metrics"])
    let quality = ArtefactView(found, in: workspace.store).details
    #expect(quality["rewards_chosen"]?.double != nil || quality["rewards_rejected"]?.double != nil)
    #expect(quality["answers"]?.int == 2)
    // The rows decide where the stage is left open.
    let open = try workspace.run(Self.pipeline(stage, evaluate: "reference: base"))
    #expect(open.state == .done)
  }

  /// The head that scores goes with the model: through merging, exporting and measuring, the scores stay the same.
  @Test func theHeadTravels() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    let more = """

        merged: {type: merge, model: tuned, dtype: f32}
        again: {type: evaluate, model: merged, data: tokens.validation, stage: rm}
        continued: {type: train, model: tuned, data: tokens.train, stage: rm, max_steps: 1, learning_rate: 0}
        third: {type: evaluate, model: continued, data: tokens.validation, stage: rm}
        release: {type: export, model: merged, tokenizer: tokenizer}
        beside: {type: export, model: tuned, tokenizer: tokenizer}
        spoken: {type: train, model: tuned, data: tokens.train, stage: dpo, max_steps: 1}
      """
    let summary = try workspace.run(
      Self.pipeline("stage: rm, center_rewards: 0.01, learning_rate: 0.01", evaluate: "stage: rm") + more)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    func view(_ node: String, _ port: String) throws -> ArtefactView {
      let found = try #require(summary.nodes.first { $0.name == node }?.result?.outputs[port])
      return ArtefactView(found, in: workspace.store)
    }
    let quality = try view("quality", "metrics").details
    let (loss, reward) = (try #require(quality["loss"]?.double), try #require(quality["reward_chosen"]?.double))
    for other in ["again", "third"] {
      let found = try view(other, "metrics").details
      #expect(abs(try #require(found["loss"]?.double) - loss) < 1e-5)
      #expect(abs(try #require(found["reward_chosen"]?.double) - reward) < 1e-5)
    }
    for folder in ["release", "beside"] { #expect(try view(folder, "folder").contains("value_head.safetensors")) }
    #expect(try !view("spoken", "model").contains("head/value_head.safetensors"))
    // What has no head cannot be measured by it.
    do {
      _ = try workspace.pipeline(Self.pipeline("stage: dpo", evaluate: "stage: rm"))
      Issue.record("a model without a head is accepted")
    } catch let error as any DiagnosticError {
      #expect(error.diagnostics.contains { $0.summary == "The model has no head that scores" })
    }
  }

  @Test("Pairs that have reached their margins are no fault of a training")
  func reachedMargins() throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    let text = Self.pipeline("stage: dpo, loss: [hinge], beta: 100, learning_rate: 0.01").replacing(
      "max_steps: 2", with: "max_steps: 40")
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let gradient = try SanityFindings(#require(summary["tuned"]?.result)).all.first { $0.name == "gradient" }
    let words = try #require(gradient?.summary.wholeMatch(of: /The gradient was exactly zero in (\d+) steps/))
    #expect(Int(words.1).map { $0 >= 8 } == true, "\(words.0)")
  }

  private static let questions = (1...6).map {
    #"{"prompt":"What is \#($0) plus \#($0)?","answer":"\#($0 + $0)"}"# + "\n"
  }.joined()

  @Test(
    "Stages that sample run and are measured by the rewards of the likeliest answers",
    arguments: [
      "stage: grpo, generations: 3", "stage: grpo, generations: 2, iterations: 2, beta: 0.1, reference: base",
      "stage: grpo, objective: cispo, cap: 2, scale_rewards: none", "stage: rloo, generations: 2",
      "stage: ppo, iterations: 2", "stage: ppo, kl_coefficient: 0, reward_model: judge",
    ])
  func samples(fields: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.questions, to: "pairs.jsonl")
    try workspace.folder.write(Self.pairs, to: "judged.jsonl")
    let rewards =
      "tokenizer: tokenizer, max_completion: 6, rewards: [{type: answer}, {type: length, maximum: 4, weight: 0.5}]"
    let measured =
      (fields.split(separator: ",").first ?? "") + (fields.contains("reward_model") ? ", reward_model: judge" : "")
    let text = Self.pipeline(fields + ", " + rewards, evaluate: measured + ", " + rewards).replacing(
      "pairs.jsonl}", with: "pairs.jsonl, format: prompt, keep_columns: [answer]}")
    let judge = """

        pairs: {type: load_dataset, from: DIR/judged.jsonl}
        pair_chat: {type: apply_template, dataset: pairs, tokenizer: tokenizer}
        pair_tokens: {type: tokenize, conversations: pair_chat, tokenizer: tokenizer, max_length: 100}
        judge: {type: train, model: adapted, data: pair_tokens.train, stage: rm, max_steps: 1}
      """
    let summary = try workspace.run(text + judge)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    func view(_ node: String, _ port: String) throws -> ArtefactView {
      let found = try #require(summary.nodes.first { $0.name == node }?.result?.outputs[port])
      return ArtefactView(found, in: workspace.store)
    }
    let metrics = try view("tuned", "metrics")
    let lines = try String(contentsOfFile: metrics.path(of: "metrics.jsonl"), encoding: .utf8).split(separator: "\n")
    let last = try JSON(parsing: String(try #require(lines.last)), file: "metrics.jsonl")
    try everyMeasureCanBeTheBest(last) {
      Self.pipeline(fields + ", " + rewards + $0, evaluate: measured + ", " + rewards).replacing(
        "pairs.jsonl}", with: "pairs.jsonl, format: prompt, keep_columns: [answer]}") + judge
    } in: {
      _ = try workspace.pipeline($0)
    }
    let quality = try view("quality", "metrics").details
    let reward = try #require(quality["reward"]?.double)
    #expect(abs(reward - (try #require(last["eval_reward"]?.double))) < 1e-9)
    #expect(quality["loss"]?.double == -reward)
    #expect(quality["reward_answer"]?.double != nil && quality["reward_length"]?.double != nil)
    #expect((quality["reward_model"]?.double != nil) == fields.contains("reward_model"))
  }

  @Test(
    "A student learns from a teacher",
    arguments: [
      "top_k: 4", "top_k: 4, rest: none, temperature: 2, label_weight: 0.5", "teacher_scores: all",
      "teacher_scores: all, divergence: jsd, on_policy: 0.5, max_completion: 4",
    ])
  func distils(fields: String) throws {
    let workspace = try TinyWorkspace()
    let stage = "stage: distillation, teacher: base, \(fields)"
    let measured = stage.replacing(", on_policy: 0.5, max_completion: 4", with: "")
    let text = Self.pipeline(stage, evaluate: measured).replacing("pairs.jsonl", with: "rows.jsonl")
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    let found = try #require(summary.nodes.first { $0.name == "quality" }?.result?.outputs["metrics"])
    // A student that is its own teacher has little to learn, but of a teacher that is taken to know four tokens alone.
    let divergence = try #require(ArtefactView(found, in: workspace.store).details["divergence"]?.double)
    #expect(divergence < (fields.contains("rest: none") ? 10 : 0.1))
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
      ("stage: grpo, tokenizer: tokenizer", "Nothing says what answers are worth"),
      (
        "stage: grpo, tokenizer: tokenizer, rewards: [{type: answer}]",
        "Preference pairs stand where prompts are wanted"
      ),
      (
        "stage: grpo, tokenizer: tokenizer, rewards: [{type: answer}], reference: base",
        "`reference` has no effect where"
      ),
      ("stage: grpo, tokenizer: tokenizer, rewards: [{type: answer}]", "No column `answer` travels with the prompts"),
      ("stage: rloo, tokenizer: tokenizer, reward_model: base", "has no head that scores"),
      ("stage: distillation", "`teacher`"),
      ("stage: distillation, teacher: base, label_weight: 1", "Nothing is learned from the teacher"),
      ("stage: dpo, loss: [sigmoid, ipo], loss_weights: [0, 0]", "Nothing is minimised: every loss counts 0"),
      ("stage: kto, desirable_weight: 0, undesirable_weight: 0", "Nothing is minimised: wanted and unwanted answers"),
      (
        "stage: grpo, tokenizer: tokenizer, rewards: [{type: answer, weight: 0}]",
        "Answers are worth the same: all that judges them counts 0"
      ),
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

  @Test(
    "What only learning has an effect on is no field of a measurement",
    arguments: [
      ("sft", "neftune_alpha: 5"), ("dpo", "sync_reference: {every: 1}"), ("grpo", "generations: 4"),
      ("grpo", "temperature: 0.5"), ("ppo", "gamma: 0.9"), ("rloo", "reference: base"),
      ("distillation", "teacher: base, teacher_scores: all, on_policy: 0.5"),
    ])
  func measurementsTakeWhatTheyUse(stage: String, field: String) throws {
    let workspace = try TinyWorkspace()
    try workspace.folder.write(Self.pairs, to: "pairs.jsonl")
    let name = try #require(field.split(separator: ", ").last?.split(separator: ":").first)
    do {
      _ = try workspace.pipeline(Self.pipeline("stage: dpo", evaluate: "stage: \(stage), \(field)"))
      Issue.record("\(field) is accepted")
    } catch let error as any DiagnosticError {
      #expect(
        error.diagnostics.contains { $0.path == "nodes.quality.\(name)" }, "\(error.diagnostics.map(\.summary))")
    }
  }
}
