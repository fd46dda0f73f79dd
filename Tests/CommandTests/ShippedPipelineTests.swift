import Foundation
import PreciseJSON
import TestKit
import Testing

/// Every pipeline that comes with the project runs to its end, on the tiny model.
@Suite(.serialized) struct ShippedPipelineTests {
  /// A project that sees the repository's pipelines and examples where their paths say.
  private func project() throws -> Project {
    let project = try Project(rows: 40)
    for folder in ["pipelines", "examples", "data"] {
      try FileManager.default.createSymbolicLink(
        atPath: project.folder.path(folder), withDestinationPath: Project.repository + "/" + folder)
    }
    return project
  }

  private func run(
    _ project: Project, _ file: String, base: String = "tiny", _ settings: String..., expecting results: [String]
  ) throws {
    let arguments = ["run", file] + (["base=\(base)"] + settings).flatMap { ["--set", $0] }
    let outcome = try project.start(arguments).1()
    #expect(outcome.code == 0, "\(file): \(outcome.messages)")
    for result in results {
      #expect(FileManager.default.fileExists(atPath: project.folder.path("results/" + result)), "\(result)")
    }
  }

  /// Shipped files, so that none is forgotten here.
  @Test func noneIsForgotten() throws {
    let examples = try FileManager.default.contentsOfDirectory(atPath: Project.repository + "/examples")
    let pipelines = try FileManager.default.contentsOfDirectory(atPath: Project.repository + "/pipelines")
    #expect(
      Set(examples).subtracting(["README.md"])
        == [
          "continue-an-adapter", "full-fine-tuning", "gemma-3", "own-data", "plain-text", "prepare-data", "recipe",
          "sweep",
          "trl",
        ])
    #expect(
      Set(pipelines).subtracting(["README.md"]) == [
        "arithmetic-grpo.yaml", "arithmetic-ppo.yaml", "distillation.yaml", "preference-stages.yaml", "quickstart.yaml",
        "sft-then-dpo.yaml",
      ])
  }

  /// Its trainer is in Python, which tests do without.
  @Test func aTrainerInPython() throws {
    let project = try project()
    let outcome = try project.anneal("validate", "examples/trl/pipeline.yaml", "--set", "base=tiny")
    #expect(outcome.code == 0, "\(outcome.messages)")
  }

  @Test func arithmetic() throws {
    try run(
      project(), "pipelines/arithmetic-grpo.yaml", "rounds=1",
      expecting: [
        "arithmetic-grpo/base_score/metrics.json", "arithmetic-grpo/grpo_score/metrics.json",
        "arithmetic-grpo/grpo/rewards.svg",
      ])
  }

  @Test func quickstartAndWhatContinuesIt() throws {
    let project = try project()
    try run(
      project, "pipelines/quickstart.yaml", "data=data.jsonl", "epochs=1",
      expecting: [
        "quickstart/before/metrics.json", "quickstart/after/metrics.json", "quickstart/before_answers/answers.md",
        "quickstart/tuned/loss.svg", "quickstart/adapter_folder/adapter_model.safetensors",
        "quickstart/model/model.safetensors",
      ])
    try run(
      project, "examples/continue-an-adapter/pipeline.yaml",
      expecting: ["continue-an-adapter/adapter_folder/adapter_model.safetensors"])
  }

  /// A project with the first rows of the repository's own data, which has more than a test needs.
  private func project(with names: [String]) throws -> Project {
    let project = try Project(rows: 1)
    try FileManager.default.createSymbolicLink(
      atPath: project.folder.path("pipelines"), withDestinationPath: Project.repository + "/pipelines")
    for name in names {
      let whole = try String(contentsOfFile: Project.repository + "/data/\(name).jsonl", encoding: .utf8)
      let lines = whole.split(separator: "\n").prefix(40)
      try project.folder.write(lines.joined(separator: "\n") + "\n", to: "data/\(name).jsonl")
    }
    return project
  }

  @Test func arithmeticWithACritic() throws {
    try run(
      project(), "pipelines/arithmetic-ppo.yaml", "rounds_times_four=4",
      expecting: ["sft_score/metrics.json", "ppo_score/metrics.json", "ppo/rewards.svg"].map { "arithmetic-ppo/" + $0 })
  }

  @Test func preferenceStages() throws {
    try run(
      project(with: ["assistant", "preferences", "kto"]), "pipelines/preference-stages.yaml",
      expecting: ["kto_pairs", "orpo_quality", "simpo_pairs", "kto_judged", "rm_quality"].map {
        "preference-stages/\($0)/metrics.json"
      })
  }

  @Test func distillation() throws {
    try run(
      project(with: ["assistant"]), "pipelines/distillation.yaml", "epochs=1",
      expecting: ["distilled_quality/metrics.json", "plain_quality/metrics.json", "distilled/divergence.svg"].map {
        "distillation/" + $0
      })
  }

  @Test func sftThenDPO() throws {
    let project = try project(with: ["assistant", "preferences", "honesty"])
    try run(
      project, "pipelines/sft-then-dpo.yaml",
      expecting: [
        "base_quality/metrics.json", "dpo_quality/metrics.json", "sft_rewards/metrics.json", "dpo_rewards/metrics.json",
        "dpo_honesty/metrics.json",
        "dpo_answers/answers.md", "sft/loss.svg", "dpo/rewards.svg", "adapter_folder/adapter_model.safetensors",
        "model/model.safetensors",
      ].map { "sft-then-dpo/" + $0 })
  }

  @Test func examples() throws {
    let project = try project()
    try run(
      project, "examples/own-data/pipeline.yaml",
      expecting: ["own-data/answers/answers.jsonl", "own-data/adapter_folder/adapter_config.json"])
    try run(project, "examples/plain-text/pipeline.yaml", expecting: ["plain-text/adapter_folder/adapter_config.json"])
    try run(project, "examples/prepare-data/pipeline.yaml", "data=data.jsonl", expecting: ["prepare-data/tokens"])
    try run(
      project, "examples/full-fine-tuning/pipeline.yaml", "data=data.jsonl", "steps=2",
      expecting: ["full-fine-tuning/model/model.safetensors"])
    try run(
      project, "examples/sweep/pipeline.yaml", "data=data.jsonl",
      expecting: ["sweep/quality@rate=1.0e-3,rank=16,seed=2/metrics.json"])
  }

  @Test func recipe() throws {
    let project = try project()
    let outcome = try project.start(["run", "examples/recipe/recipe.yaml", "model=tiny", "epochs=1"]).1()
    #expect(outcome.code == 0, "\(outcome.messages)")
    for name in ["evaluate/metrics.json", "answers/answers.jsonl", "release/adapter_config.json"] {
      #expect(FileManager.default.fileExists(atPath: project.folder.path("results/recipe/" + name)), "\(name)")
    }
  }

  /// A Gemma 3 and its SentencePiece vocabulary, both in one GGUF file, to a folder that transformers loads.
  @Test func gemma() throws {
    let project = try project()
    try FileManager.default.copyItem(
      atPath: fixture("Command/tiny-gemma3.gguf"), toPath: project.folder.path("tiny.gguf"))
    try run(
      project, "examples/gemma-3/pipeline.yaml", base: "tiny.gguf", "data=data.jsonl",
      expecting: [
        "gemma-3/before/metrics.json", "gemma-3/after/metrics.json", "gemma-3/answers/answers.md",
        "gemma-3/folder/model.safetensors", "gemma-3/folder/tokenizer.json", "gemma-3/folder/chat_template.jinja",
      ])
    let folder = project.folder.path("results/gemma-3/folder")
    let configuration = try String(contentsOfFile: folder + "/config.json", encoding: .utf8)
    #expect(configuration.contains("\"Gemma3ForCausalLM\""))
    let text = "Turns <start_of_turn>user\nNaïve  café, 中文 🙂\n\n\tdone<end_of_turn>"
    let ids = try [project.folder.path("tiny.gguf"), folder].map { path in
      try project.anneal("tokenize", "--tokenizer", path, "--json", input: text).output
    }
    #expect(ids[0] == ids[1] && ids[0].count > 50)
  }

  @Test("init writes a pipeline that runs as it stands, from the folder and by the command that it names")
  func theStarterOfInit() throws {
    let project = try Project(rows: 1)
    let made = try project.anneal("init", "first one", "--base", "tiny")
    #expect(made.output == "first one/pipeline.yaml\nfirst one/data.jsonl\n")
    #expect(made.messages == "Next: cd 'first one' && anneal run pipeline.yaml\n")
    let again = try project.anneal("init", "first one", "--base", "tiny")
    #expect(again.code == 2 && again.messages.contains("`first one/pipeline.yaml` is there already"))
    let folder = project.folder.path("first one")
    let inside = try project.start(["run", "pipeline.yaml"], in: folder).1()
    #expect(inside.code == 0, "\(inside.messages)")
    #expect(FileManager.default.fileExists(atPath: folder + "/results/starter/model/model.safetensors"))
  }

  @Test("init writes rows that are no longer than the model allows")
  func initOfASmallModel() throws {
    let project = try Project(rows: 1)
    let path = project.folder.path("tiny/config.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let short = text.replacing(/"max_position_embeddings": \d+/, with: #""max_position_embeddings": 100"#)
    #expect(short != text)
    try short.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try project.anneal("init", "small", "--base", "tiny").code == 0)
    let outcome = try project.start(["validate", "pipeline.yaml"], in: project.folder.path("small")).1()
    #expect(outcome.code == 0, "\(outcome.messages)")
  }

  @Test("init takes the only model that lies near")
  func initFindsTheModel() throws {
    let project = try Project(rows: 1)
    let made = try project.anneal("init", "second")
    #expect(made.code == 0 && made.messages.hasPrefix("Model: tiny\n"), "\(made.messages)")
    #expect(try project.start(["validate", "pipeline.yaml"], in: project.folder.path("second")).1().code == 0)
  }

  @Test("init without a model, with several, or with one that cannot be used writes nothing and says what to do")
  func initWithoutAModel() throws {
    let project = try Project(rows: 1)
    let files = FileManager.default
    let empty = project.folder.path("empty")
    try files.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let none = try project.start(["init"], in: empty).1()
    #expect(none.code == 2 && none.messages.contains("There is no model to start from"), "\(none.messages)")
    #expect(none.messages.contains("--base PATH"))
    #expect(try files.contentsOfDirectory(atPath: empty).isEmpty)

    try files.copyItem(atPath: project.folder.path("tiny"), toPath: project.folder.path("other"))
    let several = try project.anneal("init", "third")
    #expect(several.code == 2 && several.messages.contains("Several models lie here: [`other`, `tiny`]"))
    let wrong = try project.anneal("init", "third", "--base", "nowhere")
    #expect(wrong.code == 2 && wrong.messages.contains("There is no model here"), "\(wrong.messages)")
    #expect(!files.fileExists(atPath: project.folder.path("third")))
  }
}
