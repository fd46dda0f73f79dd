import Foundation
import PreciseJSON
import TestKit
import Testing

/// SFT and DPO in one pipeline: what runs again, what is refused, what is told.
@Suite(.serialized) struct PreferenceTests {
  private static let pipeline = """
    pipeline: tiny
    nodes:
      tokenizer: {type: load_tokenizer, from: tiny}
      model: {type: load_model, from: tiny}
      rows: {type: load_dataset, from: data.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 256, overlong: truncate}
      lora: {type: attach_adapter, model: model, rank: 4, dropout: 0.1}
      sft: {type: train, model: lora, data: tokens.train, max_steps: 2, batch_size: 2, learning_rate: 1e-3}
      pairs: {type: load_dataset, from: pairs.jsonl}
      pair_chat: {type: apply_template, dataset: pairs, tokenizer: tokenizer}
      pair_tokens:
        {type: tokenize, conversations: pair_chat, tokenizer: tokenizer, max_length: 200, overlong: truncate,
         validation: 0.2}
      dpo:
        {type: train, stage: dpo, model: sft, reference: sft, data: pair_tokens.train, epochs: 1, batch_size: 4,
         learning_rate: 1e-3, beta: 0.1, save_every: 1, validation: pair_tokens.validation, evaluate_every: 5}
      quality: {type: evaluate, model: dpo, data: tokens.train}
      rewards: {type: evaluate, model: dpo, reference: sft, data: pair_tokens.validation}
    outputs: [quality, rewards]

    """

  private func project(pairs: Int = 40) throws -> Project {
    let project = try Project(rows: 12)
    try project.folder.write(Self.pipeline, to: "pipeline.yaml")
    try write(pairs: pairs, to: project)
    return project
  }

  private func write(pairs: Int, to project: Project) throws {
    let rows = (0..<pairs).map { number in
      #"{"prompt":"What is \#(number) plus one?","chosen":"It is \#(number + 1).","rejected":"As an AI I guess \#(number)."}"#
    }
    try project.folder.write(rows.joined(separator: "\n") + "\n", to: "pairs.jsonl")
  }

  /// What the log of a node says about the reference.
  private func computed(_ project: Project, _ node: String = "dpo") throws -> [String] {
    try project.log(node).split(separator: "\n").filter { $0.contains("reference log-probabilities") }
      .map { line in String(line[(line.range(of: "reference")?.lowerBound ?? line.startIndex)...]) }
  }

  @Test func metricsRewardsAndPicture() throws {
    let project = try project()
    let outcome = try project.anneal("run", "pipeline.yaml")
    #expect(outcome.code == 0, "\(outcome.messages)")
    let results = project.folder.path("results/tiny")
    let metrics = try JSON(
      parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: results + "/rewards/metrics.json"))), file: "metrics.json")
    for key in [
      "loss", "rewards_accuracy", "rewards_margin", "rewards_chosen", "rewards_rejected", "logps_chosen",
      "logps_rejected", "pairs", "label_tokens",
    ] { #expect(metrics[key]?.double?.isFinite == true, "\(key) in \(metrics.text())") }
    // What is done for several node types is listed by its own name.
    #expect(try project.anneal("cache", "ls").output.contains("  reference-scores/1  "))
    let margin = try #require(metrics["rewards_margin"]?.double)
    #expect(margin > 0, "ten steps on one pattern teach it")
    let difference = try #require(metrics["rewards_chosen"]?.double) - #require(metrics["rewards_rejected"]?.double)
    #expect(abs(margin - difference) < 1e-9)

    let shown = try project.shown()
    let node = try #require(shown["nodes"]?.array?.first { $0["name"]?.string == "dpo" })
    let paths = try #require(node["outputs"]?["metrics"]?["paths"]?.object)
    #expect(Set(paths.members.map(\.key)) == ["loss.svg", "metrics.jsonl", "rewards.svg", "sanity.json"])
    let path = try #require(paths["metrics.jsonl"]?.string)
    let records = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSON(parsing: String($0))
    }
    let first = try #require(records.first)
    #expect(abs(try #require(first["loss"]?.double) - log(2)) < 1e-4, "the policy starts as its reference")
    #expect(records.contains { $0["eval_rewards_margin"] != nil })
    let sanity = node["outputs"]?["metrics"]?["details"]?["sanity"]
    #expect(sanity?["first_loss"]?["verdict"]?.string == "fine", "\(sanity?.text() ?? "")")
    #expect(sanity?["first_loss"]?["summary"]?.string?.contains("ln 2") == true)
    #expect(outcome.messages.contains(" checks fine"), "\(outcome.messages)")
    #expect(try project.anneal("show").output.contains(" checks fine"))
    #expect(try computed(project).count == 2)
    // What the training computed for its held-out pairs serves the evaluation of the same pairs.
    let held = try #require(metrics["pairs"]?.int)
    #expect(
      try computed(project)[1]
        == "reference log-probabilities of \(held) held-out pairs: \(held) computed, the others were known")
    #expect(
      try computed(project, "rewards") == [
        "reference log-probabilities of \(held) pairs: 0 computed, the others were known"
      ])
  }

  @Test func betaRerunsDPOAndBelowButNotTheReference() throws {
    let project = try project()
    try project.anneal("run", "pipeline.yaml")
    let before = try computed(project)
    #expect(!before.isEmpty && before.allSatisfy { !$0.contains(": 0 computed") }, "\(before)")
    try project.edit("beta: 0.1", "beta: 0.3")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran() == ["dpo", "quality", "rewards"])
    let after = try computed(project)
    #expect(after.count == before.count && after.allSatisfy { $0.contains(": 0 computed") }, "\(after)")
    #expect(try computed(project, "rewards").allSatisfy { $0.contains(": 0 computed") })

    try project.edit("learning_rate: 1e-3, beta", "learning_rate: 2e-3, beta")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try computed(project).allSatisfy { $0.contains(": 0 computed") })
  }

  @Test func theLearningRateOfSFTRerunsTheReferenceToo() throws {
    let project = try project()
    try project.anneal("run", "pipeline.yaml")
    try project.edit("batch_size: 2, learning_rate: 1e-3", "batch_size: 2, learning_rate: 2e-3")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.ran() == ["sft", "dpo", "quality", "rewards"])
    #expect(try computed(project).allSatisfy { !$0.contains(": 0 computed") })
  }

  @Test func theReferenceIsTheModelUnlessNamed() throws {
    let project = try project()
    try project.anneal("run", "pipeline.yaml")
    let expected = try project.digest("dpo", "model")
    try project.edit("reference: sft, data: pair_tokens.train", "data: pair_tokens.train")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.digest("dpo", "model") == expected)
    try project.edit("model: sft, data: pair_tokens.train", "model: sft, reference: model, data: pair_tokens.train")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect(try project.digest("dpo", "model") != expected)
  }

  @Test func appendedPairsLeaveTheOthersReference() throws {
    let project = try project(pairs: 2500)
    try project.edit("epochs: 1", "max_steps: 1")
    try project.edit(", validation: pair_tokens.validation, evaluate_every: 5", "")
    try project.edit("outputs: [quality, rewards]", "outputs: [dpo.model]")
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    try write(pairs: 2510, to: project)
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    let line = try #require(
      try project.log("pair_tokens").split(separator: "\n").first { $0.contains("record groups tokenised") })
    #expect(line.contains("1 of ") || line.contains("2 of "), "\(line)")
    let words = try #require(try computed(project).first).split(separator: " ")
    let total = try #require(words.compactMap { Int($0) }.first)
    let made = try #require(words.compactMap { Int($0) }.last)
    #expect(total > 1900 && made < total, "\(words)")
  }

  @Test func killedInTheMiddleItEndsInTheSameBytes() throws {
    let project = try project(pairs: 120)
    try project.edit("epochs: 1", "epochs: 3")
    #expect(
      try project.anneal("run", "pipeline.yaml", environment: ["ANNEAL_STORE": project.folder.path("other")]).code == 0)
    let expected = [try project.digest("dpo", "model"), try project.digest("rewards", "metrics")]
    let checkpoints = project.folder.path("store/checkpoints")
    var kills = 0
    for wanted in ["checkpoint-00000003", "checkpoint-00000020"] {
      let (process, finish) = try project.start(["run", "pipeline.yaml"])
      let deadline = Date().addingTimeInterval(120)
      while Date() < deadline, process.isRunning {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: checkpoints)) ?? []
        let steps = names.compactMap { $0.split(separator: "/").last }.filter { $0.hasPrefix("checkpoint-0") }
        if steps.contains(where: { $0 >= wanted }) {
          kill(process.processIdentifier, SIGKILL)
          kills += 1
          break
        }
        Thread.sleep(forTimeInterval: 0.005)
      }
      _ = finish()
    }
    #expect(kills > 0)
    #expect(try project.anneal("run", "pipeline.yaml").code == 0)
    #expect([try project.digest("dpo", "model"), try project.digest("rewards", "metrics")] == expected)
  }

  @Test(arguments: [
    (
      "reference: sft, data: pair_tokens.train", "reference: sft, data: tokens.train",
      ["Single texts stand where preference pairs are wanted", "`tokens`", "nodes.dpo.data"]
    ),
    (
      "model: lora, data: tokens.train", "model: lora, data: pair_tokens.train",
      ["Preference pairs stand where single texts are wanted", "`pair_tokens`", "nodes.sft.data"]
    ),
    (
      "model: lora, data: tokens.train", "model: lora, reference: model, data: tokens.train",
      ["`reference` has no effect with `loss: cross_entropy`", "nodes.sft.reference"]
    ),
    (
      "model: lora, data: tokens.train", "model: lora, beta: 0.2, data: tokens.train",
      ["`beta` has no effect with `stage: sft`", "nodes.sft.beta"]
    ),
    (
      "{type: evaluate, model: dpo, data: tokens.train}",
      "{type: evaluate, model: dpo, reference: sft, data: tokens.train}",
      ["`reference` has no effect on rows that are not preference pairs", "nodes.quality.reference"]
    ),
    ("beta: 0.1", "beta: 0", ["nodes.dpo.beta"]),
  ])
  func mistakesAreFoundBeforeAnythingRuns(old: String, new: String, words: [String]) throws {
    let project = try project()
    try project.edit(old, new)
    let outcome = try project.anneal("run", "pipeline.yaml")
    #expect(outcome.code == 2)
    for word in words { #expect(outcome.messages.contains(word), "wanted `\(word)` in:\n\(outcome.messages)") }
    #expect(!FileManager.default.fileExists(atPath: project.folder.path("store/ac")))
  }

  @Test func aReferenceOfAnotherTokenizerOrVocabulary() throws {
    let project = try project()
    let other = project.folder.path("other_model")
    try FileManager.default.copyItem(atPath: project.folder.path("tiny"), toPath: other)
    for name in ["/tokenizer.json", "/tokenizer_config.json"] {
      let text = try String(contentsOfFile: other + name, encoding: .utf8)
      try text.replacing("<|endoftext|>", with: "<|end_of_text|>")
        .write(toFile: other + name, atomically: true, encoding: .utf8)
    }
    try project.edit("  rows:", "  other: {type: load_model, from: other_model}\n  rows:")
    try project.edit("reference: sft, data: pair_tokens.train", "reference: other, data: pair_tokens.train")
    let outcome = try project.anneal("run", "pipeline.yaml")
    #expect(outcome.code == 2)
    for word in ["The reference has another tokenizer than the model", "`other`", "`sft`", "nodes.dpo.reference"] {
      #expect(outcome.messages.contains(word), "wanted `\(word)` in:\n\(outcome.messages)")
    }

    let tiny = fixture("LanguageModels/gqa")
    try project.edit("from: other_model", "from: \(tiny)")
    let second = try project.anneal("run", "pipeline.yaml")
    #expect(second.code == 2)
    #expect(second.messages.contains("The reference has another vocabulary than the model"), "\(second.messages)")
    #expect(second.messages.contains("90 tokens") && second.messages.contains("320 tokens"), "\(second.messages)")
  }

  @Test func badPairsAreNamed() throws {
    let project = try project()
    let good = #"{"prompt":"Q","chosen":"A","rejected":"B"}"#
    for (row, words) in [
      (#"{"prompt":"Q","chosen":"A","rejected":"A"}"#, "Chosen and rejected answers are the same"),
      (#"{"prompt":"Q","chosen":"A","rejected":" "}"#, "Column `rejected` is empty"),
    ] {
      try project.folder.write(good + "\n" + row + "\n", to: "pairs.jsonl")
      let outcome = try project.anneal("run", "pipeline.yaml")
      #expect(outcome.code == 1)
      #expect(outcome.messages.contains("pairs.jsonl:2, row 2") && outcome.messages.contains(words))
    }
    let long = String(repeating: "word ", count: 200)
    try project.folder.write(good + "\n" + #"{"prompt":"Q","chosen":"A","rejected":"\#(long)"}"#, to: "pairs.jsonl")
    try project.edit(
      "conversations: pair_chat, tokenizer: tokenizer, max_length: 200, overlong: truncate",
      "conversations: pair_chat, tokenizer: tokenizer, max_length: 200")
    let outcome = try project.anneal("run", "pipeline.yaml")
    #expect(outcome.code == 1)
    #expect(outcome.messages.contains("more than `max_length` 200"), "\(outcome.messages)")
    #expect(outcome.messages.contains("row 2"), "\(outcome.messages)")
  }

  @Test func aNewAdapterOverAMergedModelAndAllWeights() throws {
    let project = try project()
    try project.edit(
      "  dpo:\n",
      """
        merged: {type: merge, model: sft, dtype: f32}
        fresh: {type: attach_adapter, model: merged}
        dpo:

      """)
    try project.edit("model: sft, reference: sft, data: pair_tokens.train", "model: fresh, data: pair_tokens.train")
    let fresh = try project.anneal("run", "pipeline.yaml")
    #expect(fresh.code == 0, "\(fresh.messages)")
    try project.edit("model: fresh, data: pair_tokens.train", "model: merged, data: pair_tokens.train")
    let full = try project.anneal("run", "pipeline.yaml")
    #expect(full.code == 0, "\(full.messages)")
  }
}
