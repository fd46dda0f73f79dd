import FineTuningNodes
import Pipeline
import TestKit
import Testing

/// What `anneal plan` foresees of a training's memory.
struct ForecastTests {
  private static let pipeline = """
    pipeline: p
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      lora: {type: attach_adapter, model: base, rank: 2}
      given: {type: attach_adapter, model: base, from: DIR/adapter}
      tuned: {type: train, model: lora, data: tokens.train, max_steps: 1 MORE}
      twice: {type: train, model: tuned, data: tokens.train, max_steps: 1}
      continued: {type: train, model: given, data: tokens.train, max_steps: 1}
      merged: {type: merge, model: twice}
      whole: {type: train, model: merged, data: tokens.train, max_steps: 1}

    """

  private func plan(_ workspace: TinyWorkspace, more: String = "") throws -> [String: Plan.Node] {
    let text = Self.pipeline.replacing(" MORE", with: more)
    let plan = try Planner(store: workspace.store).plan(workspace.pipeline(text))
    return Dictionary(uniqueKeysWithValues: plan.nodes.map { ($0.name, $0) })
  }

  @Test func trainingsSayWhatTheyTakeAndWhatWouldTakeLess() throws {
    let nodes = try plan(TinyWorkspace())
    let foreseen = nodes.values.filter { $0.forecast != nil }.map(\.name).sorted()
    #expect(foreseen == ["continued", "tuned", "twice", "whole"])
    let tuned = try #require(nodes["tuned"]?.forecast)
    #expect(tuned.parts.map(\.name) == ["model", "optimizer", "activations"])
    #expect(tuned.alternatives.map(\.setting) == ["recompute: attention", "recompute: block"])
    // Of two blocks the last is kept, and the other is there again when the last has gone.
    #expect(tuned.alternatives[0].memory < tuned.memory)
    #expect(tuned.alternatives[1].memory < tuned.alternatives[0].memory)
    #expect(nodes["twice"]?.forecast == tuned)
    #expect(nodes["continued"]?.forecast?.parts[0] != tuned.parts[0], "its adapter has two targets")
    let whole = try #require(nodes["whole"]?.forecast)
    #expect(whole.parts[1].memory > 4 * tuned.parts[1].memory, "all weights have moments")
  }

  /// Nothing is computed, whatever is learned: a step is taken in which no tensor has elements.
  @Test(
    "Every stage is foreseen",
    arguments: [
      ("rows", "stage: sft, label_smoothing: 0.1"), ("rows", "stage: sft, neftune_alpha: 5"),
      ("rows", "stage: sft, loss: dft"), ("rows", "stage: sft, loss: eaft"), ("rows", "stage: sft, loss: asft"),
      ("rows", "stage: distillation, teacher: base"),
      ("rows", "stage: distillation, teacher: base, rest: none, label_weight: 0.5"),
      ("rows", "stage: distillation, teacher: base, teacher_scores: all, divergence: jsd"),
      ("texts", "stage: pt"), ("pairs", "stage: dpo"), ("pairs", "stage: dpo, loss: aot, sync_reference: {every: 1}"),
      ("pairs", "stage: dpo, wpo: true"), ("pairs", "stage: orpo"), ("pairs", "stage: cpo"), ("pairs", "stage: simpo"),
      ("pairs", "stage: rm"), ("answers", "stage: kto"), ("answers", "stage: bco"),
      ("prompts", "stage: grpo, beta: 0.1, tokenizer: tokenizer, rewards: [{type: think}]"),
      ("prompts", "stage: rloo, tokenizer: tokenizer, rewards: [{type: think}]"),
      ("prompts", "stage: ppo, tokenizer: tokenizer, rewards: [{type: think}], sync_reference: {every: 2}"),
    ])
  func everyStage(kind: String, fields: String) throws {
    let workspace = try TinyWorkspace()
    let text = #"What is 1 plus 1? It is 2."#
    for (name, row) in [
      "texts": #"{"text":"\#(text)"}"#, "pairs": #"{"prompt":"Who?","chosen":"You.","rejected":"I."}"#,
      "answers": #"{"prompt":"Who?","completion":"You.","label":true}"#, "prompts": #"{"prompt":"Who?"}"#,
    ] { try workspace.folder.write(row + "\n" + row + "\n", to: "\(name).jsonl") }
    let plan = try Planner(store: workspace.store).plan(
      workspace.pipeline(
        """
        pipeline: p
        nodes:
          tokenizer: {type: load_tokenizer, from: DIR/tiny}
          rows: {type: load_dataset, from: DIR/\(kind).jsonl}
          chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
          tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 100}
          base: {type: load_model, from: DIR/tiny, compute: f32}
          lora: {type: attach_adapter, model: base, rank: 2}
          tuned: {type: train, model: lora, data: tokens.train, max_steps: 1, \(fields)}

        """))
    let forecast = try #require(plan.nodes.first { $0.name == "tuned" }?.forecast)
    #expect(forecast.parts.allSatisfy { $0.memory > 0 })
    let standing = ["asft", "teacher_scores", "beta", "rloo", "ppo"]
    let stands = standing.contains(where: fields.contains) && !fields.contains("sync_reference")
    #expect((forecast.parts.last?.name == "other models") == stands)
  }

  /// The bits of the frozen weights are what differs.
  @Test func heldWeightsAreForeseen() throws {
    let workspace = try TinyWorkspace()
    func model(_ weights: String) throws -> Int? {
      let text = Self.pipeline.replacing("compute: f32", with: "compute: f32, weights: \(weights)")
        .replacing(" MORE", with: "").split(separator: "\n").filter { !$0.contains("whole:") }.joined(separator: "\n")
      let plan = try Planner(store: workspace.store).plan(workspace.pipeline(text + "\n"))
      return plan.nodes.first { $0.name == "tuned" }?.forecast?.parts[0].memory
    }
    let sizes = try ["auto", "as_stored", "int8", "nf4"].map { try #require(try model($0)) }
    #expect(sizes == sizes.sorted(by: >))
  }

  @Test func whatIsSetIsWhatIsForeseen() throws {
    let workspace = try TinyWorkspace()
    let plain = try #require(plan(workspace)["tuned"]?.forecast)
    let block = try #require(plan(workspace, more: ", recompute: block")["tuned"]?.forecast)
    #expect(block.memory == plain.alternatives.last?.memory)
    #expect(block.alternatives.first == Forecast.Alternative(setting: "recompute: none", memory: plain.memory))
  }

  /// Recomputation changes no bit, so that a result stands whatever it was made with.
  @Test func aDoneTrainingIsCachedWhateverItKeeps() throws {
    let workspace = try TinyWorkspace()
    #expect(try workspace.run(Self.pipeline.replacing(" MORE", with: ", recompute: block")).state == .done)
    let again = try plan(workspace)["tuned"]
    #expect(again?.isCached == true)
    #expect(again?.forecast == nil)
  }

  /// What plans see of a model beyond its type stays out of what nodes publish.
  @Test func theModelsConfigurationIsNoFacet() throws {
    let workspace = try TinyWorkspace()
    let base = try #require(workspace.pipeline(Self.pipeline.replacing(" MORE", with: "")).node("base"))
    #expect(base.seen["configuration"] != nil)
    #expect(base.outputTypes["model"]?.facets["configuration"] == nil)
  }
}
