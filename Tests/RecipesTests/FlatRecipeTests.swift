import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import Recipes
import TestKit
import Testing

/// Recipes: flat files whose keys are fields of the nodes that they become.
@Suite struct FlatRecipeTests {
  private static let head = "recipe: sft\nmodel: @/tiny\ndata: @/chat.jsonl\n"

  @Test("a recipe becomes a pipeline of the nodes that it needs")
  func theWholeText() throws {
    let outcome = try ForeignFile(
      """
      recipe: sft
      name: mine
      model: @/tiny
      data: @/chat.jsonl
      validation: 0.1
      out: @/out
      epochs: 2
      learning_rate: 1e-3
      warmup_ratio: 0.05
      rank: 16
      max_length: 512
      train.evaluate_every: 10
      seed: 3
      """
    ).expanded()
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    #expect(
      outcome.text == """
        # What the recipe `file.yaml` becomes. A field beside which no key stands has the key of its own name, or none.
        pipeline: mine

        nodes:
          tokenizer:
            type: load_tokenizer
            from: @/tiny  # model

          base_model:
            type: load_model
            from: @/tiny  # model

          adapter:
            type: attach_adapter
            model: base_model
            rank: 16
            seed: 3

          rows:
            type: load_dataset
            from: @/chat.jsonl  # data

          rendered:
            type: apply_template
            dataset: rows
            tokenizer: tokenizer

          tokens:
            type: tokenize
            conversations: rendered
            tokenizer: tokenizer
            validation: 0.1
            max_length: 512

          train:
            type: train
            stage: sft  # recipe
            model: adapter
            data: tokens.train
            validation: tokens.validation
            epochs: 2
            learning_rate: 1e-3
            schedule:
              warmup_ratio: 0.05
            evaluate_every: 10
            seed: 3

          evaluate:
            type: evaluate
            model: train
            data: tokens.validation
            stage: sft  # recipe

          release:
            type: export
            model: train
            tokenizer: tokenizer
            base_model: @/tiny  # model
            to: @/out  # out

        outputs: [train.metrics, evaluate, release]

        """, "\(outcome.text)")
  }

  private static let cases: [ForeignCase] = [
    ForeignCase("alpha: 32\ndropout: 0.1", ["alpha: 32", "dropout: 0.1"]),
    ForeignCase("adapter: none", ["model: base_model"]),
    ForeignCase("weights: nf4\nrendered.weights: {thoughts: 0}", ["weights: nf4", "thoughts: 0"]),
    ForeignCase("adapter: @/adapter", ["from: @/adapter  # adapter"]),
    ForeignCase("adapter: loha\nrank: 4", ["method: loha  # adapter", "rank: 4"]),
    ForeignCase("schedule: linear\nwarmup_steps: 5", ["type: linear  # schedule", "warmup_steps: 5"]),
    ForeignCase("schedule: {type: constant}", ["type: constant"]),
    ForeignCase("optimizer: lion\nweight_decay: 0.1", ["type: lion  # optimizer", "weight_decay: 0.1"]),
    ForeignCase("optimizer: adamw_schedule_free\noptimizer.warmup_steps: 4", ["warmup_steps: 4"]),
    ForeignCase("patience: 3\nvalidation: 0.2", ["early_stopping:", "patience: 3", "validation: tokens.validation"]),
    ForeignCase("adapter.seed: 1\nseed: 2", ["seed: 1", "seed: 2"]),
    ForeignCase(
      "train: {schedule: {type: rex}, samples: {every: 5}}", ["type: rex", "every: 5", "tokenizer: tokenizer"]),
    ForeignCase(
      "template: auto\nsystem: Be brief.\nformat: messages",
      ["template: auto", "system: Be brief.", "format: messages"]),
    ForeignCase(
      "data: [@/chat.jsonl, @/talk.jsonl]\nrows_2.max_rows: 3", ["dataset: [rows_1, rows_2]", "max_rows: 3"]),
    ForeignCase(
      "validation: @/talk.jsonl\nmax_length: 64", ["held_tokens:", "data: held_tokens.train", "max_length: 64"]),
    ForeignCase("merge: true\nmerged.dtype: f16", ["type: merge", "dtype: f16", "model: merged"]),
    ForeignCase("prompts: [Hello]\nanswers.max_tokens: 4", ["type: predict", "prompts: [Hello]", "max_tokens: 4"]),
    ForeignCase("tokenizer: @/tiny", ["from: @/tiny  # tokenizer"]),
    ForeignCase("recipe: pt\ndata: @/texts.jsonl", ["stage: pt  # recipe", "fill_rows: true  # recipe: pt"]),
    ForeignCase("recipe: pt\ndata: @/texts.jsonl\npacking: true", ["packing: true"]),
    ForeignCase(
      "recipe: dpo\ndata: @/pairs.jsonl\nbeta: 0.3\nvalidation: 0.1",
      ["stage: dpo  # recipe", "beta: 0.3", "beta: 0.3  # as of train", "reference: adapter"]),
    ForeignCase(
      "recipe: dpo\ndata: @/pairs.jsonl\nreference: @/tiny",
      ["reference:", "from: @/tiny  # reference", "reference: reference"]),
    ForeignCase("recipe: simpo\ndata: @/pairs.jsonl\ngamma: 1.4\nalpha: 8", ["gamma: 1.4", "alpha: 8"]),
    ForeignCase("recipe: simpo\ndata: @/pairs.jsonl\nadapter: none\nalpha: 0.5", ["alpha: 0.5"]),
    ForeignCase("recipe: kto\ndata: @/judged.jsonl\ndesirable_weight: 2", ["desirable_weight: 2"]),
    ForeignCase("recipe: rm\ndata: @/pairs.jsonl\ncenter_rewards: 0.01", ["center_rewards: 0.01"]),
    ForeignCase(
      "recipe: grpo\ndata: @/prompts.jsonl\nkeep_columns: [answer]\nrewards: [{type: answer, source: last_number}]\ngenerations: 4\nmax_steps: 2",
      [
        "tokenizer: tokenizer", "keep_columns: [answer]", "rewards: [{type: answer, source: last_number}]",
        "generations: 4",
      ]),
    ForeignCase(
      "recipe: distillation\nteacher: @/tiny\nlabel_weight: 0.5",
      ["teacher: teacher", "from: @/tiny  # teacher", "label_weight: 0.5"]),
  ]

  @Test("keys are fields of the nodes, by the nodes' own declarations", arguments: cases.indices)
  func keysAreFields(index: Int) throws {
    let wanted = Self.cases[index]
    let given = Set(wanted.text.split(separator: "\n").map { $0.split(separator: ":")[0] })
    let head = Self.head.split(separator: "\n").filter { !given.contains($0.split(separator: ":")[0]) }
    let outcome = try ForeignFile((head + [Substring(wanted.text)]).joined(separator: "\n")).expanded()
    #expect(!outcome.problems.hasErrors, "\(wanted.text): \(outcome.rendered)")
    #expect(
      wanted.missing(in: outcome.text).isEmpty, "\(wanted.text): \(wanted.missing(in: outcome.text))\n\(outcome.text)")
  }

  private static let refusals: [ForeignCase] = [
    ForeignCase("lerning_rate: 3", "Recipes have no key `lerning_rate`", nil, "`learning_rate`"),
    ForeignCase("lora_rank: 3", "Recipes have no key `lora_rank`", nil, "`rank`"),
    ForeignCase(
      "per_device_train_batch_size: 3", "Recipes have no key `per_device_train_batch_size`", nil, "`batch_size`"),
    ForeignCase(
      "wholly_other: 3", "Recipes have no key `wholly_other`", nil, "`anneal expand --keys recipe` lists them"),
    ForeignCase("adapter: lorra", "`lorra` is neither an adapter method nor a folder with an adapter", nil, "`lora`"),
    ForeignCase(
      "adapter: none\nrank: 3", "`rank` has no effect",
      "there is no node `adapter`: `adapter: none` trains all of the model",
      "take it out"),
    ForeignCase(
      "evaluate.threads: 3", "`evaluate.threads` has no effect",
      "there is no node `evaluate`: `validation` is not given, so nothing is held out", "take it out"),
    ForeignCase(
      "epochs: 3\ntrain.epochs: 2", "`epochs` and `train.epochs` say the same field", nil, "take one of them out"),
    ForeignCase("data: {a: b}", "`data` is a map, not a text", nil, "`data: rows.jsonl`"),
    ForeignCase("validation: @/nowhere.jsonl", "No file or folder `@/nowhere.jsonl`", nil, nil),
    ForeignCase("recipe: dpo\ndata: @/pairs.jsonl\nevery: 3", "`every` may mean several fields", nil, "one of these"),
    ForeignCase("beta: 0.1", "`beta` has no effect", nil, nil),
    ForeignCase("model: org/none", "There is no model at `org/none`", nil, nil),
  ]

  @Test("what is wrong is told at the recipe's own key", arguments: refusals.indices)
  func whatIsWrong(index: Int) throws {
    let wanted = try #require(Self.refusals[index].problem)
    let text = Self.refusals[index].text
    let given = Set(text.split(separator: "\n").map { $0.split(separator: ":")[0] })
    let head = Self.head.split(separator: "\n").filter { !given.contains($0.split(separator: ":")[0]) }
    let outcome = try ForeignFile((head + [Substring(text)]).joined(separator: "\n")).expanded(resolves: true)
    let problem = outcome.problems.first { $0.summary.hasPrefix(wanted.summary) }
    #expect(problem != nil, "\(text): \(outcome.rendered)")
    if let reason = wanted.reason { #expect(problem?.reason == reason, "\(outcome.rendered)") }
    if let advice = wanted.advice { #expect(problem?.advice == advice, "\(outcome.rendered)") }
    #expect(problem?.place?.file == "@/file.yaml" && problem?.place?.line != nil, "\(outcome.rendered)")
    #expect(problem?.path?.hasPrefix("nodes.") != true, "\(outcome.rendered)")
  }

  @Test("problems of nodes stand at the recipe's line and its key's own name")
  func namesOfKeys() throws {
    let outcome = try ForeignFile(
      Self.head + "learning_rate: -1\nschedule: {type: cosine, warmup_ratio: 2}\nrank: many"
    ).expanded(resolves: true)
    let told = outcome.problems.map { "\($0.place?.line ?? 0):\($0.place?.column ?? 0) \($0.path ?? "")" }
    #expect(!outcome.problems.contains { $0.path?.hasPrefix("nodes.") == true }, "\(outcome.rendered)")
    #expect(told.contains("4:16 learning_rate"), "\(outcome.rendered)")
    #expect(told.contains("5:40 schedule.warmup_ratio"), "\(outcome.rendered)")
    #expect(told.contains("6:7 rank"), "\(outcome.rendered)")
  }

  @Test("the command line goes before the file")
  func settings() throws {
    let file = try ForeignFile(Self.head + "epochs: 3\nrank: 4")
    let outcome = try file.expanded(
      "train.epochs=1", "rank=8", "schedule.type=linear", "recipe=pt", "data=@/texts.jsonl")
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    for line in ["epochs: 1", "rank: 8", "type: linear", "stage: pt"] {
      #expect(outcome.text.contains(line), "\(line)")
    }
    let wrong = try file.expanded("rnk=8")
    #expect(
      wrong.rendered == """
        argument `rnk=8`: error: Recipes have no key `rnk`
            rnk=8
            ^
          at `rnk`
          try: `rank`
        """, "\(wrong.rendered)")
  }

  @Test("every stage of `train` is a recipe, and every field of its nodes is reached")
  func everyStage() throws {
    let train = try #require(fineTuningNodes["train"])
    let stage = try #require(train.fields.first { $0.name == "stage" })
    guard case .choice(let names) = stage.kind else { return #expect(Bool(false), "stages are a choice") }
    for name in names {
      let outcome = try ForeignFile("recipe: \(name)\nmodel: @/tiny\ndata: @/chat.jsonl").expanded()
      #expect(outcome.text.contains("stage: \(name)  # recipe"), "\(name): \(outcome.rendered)")
    }
    let wrong = try ForeignFile("recipe: dpoo\nmodel: x\ndata: y").expanded()
    #expect(wrong.problems.first?.advice == "`dpo`", "\(wrong.rendered)")
    let reference = FlatRecipe.reference(fineTuningNodes)
    for key in ["`learning_rate`", "`rank`", "`max_length`", "`train.alpha`", "`teacher`", "`compute`", "`prompts`"] {
      #expect(reference.contains(key), "\(key)")
    }
  }

  @Test("the schema says of keys what the schema of pipelines says of fields")
  func theSchema() throws {
    let properties = try #require(FlatRecipe.schema(fineTuningNodes)["properties"])
    let train = PipelineSchema(fineTuningNodes).json["$defs"]?["node.train"]?["properties"]
    #expect(properties["learning_rate"] == train?["learning_rate"] && properties["learning_rate"] != nil)
    #expect(properties["warmup_ratio"] == train?["schedule"]?["properties"]?["warmup_ratio"])
    #expect(properties["schedule"]?["anyOf"]?.array?.count == 2, "its type may stand for it")
    #expect(properties["alpha"]?["anyOf"]?.array?.count ?? 0 > 1, "the adapter's, and SimPO's")
    for key in [
      "recipe", "model", "data", "validation", "adapter", "merge", "out", "name", "teacher", "train", "rank", "prompts",
    ] {
      #expect(properties[key] != nil, "\(key)")
    }
    #expect(properties["from"] == nil && properties["stage"] == nil)
  }

  @Test("docs/recipes.md has the table")
  func thePage() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/recipes.md"), encoding: .utf8)
    #expect(
      page.contains(FlatRecipe.reference(fineTuningNodes)),
      "docs/recipes.md is out of date: put what `anneal expand --keys recipe` prints below \"Every key\"")
  }
}
