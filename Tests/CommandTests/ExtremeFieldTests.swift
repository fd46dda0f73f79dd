import Foundation
import PreciseJSON
import TestKit
import Testing

/// Every whole number of every node type at its extremes: refused before anything runs, or computed with.
@Suite(.serialized) struct ExtremeFieldTests {
  /// A field that takes whole numbers.
  private struct IntegerField {
    var node: String
    var path: String
    var lower: Int?
    var upper: Int?
    /// What has to be chosen first for it to have an effect.
    var needs: [String]

    /// `nodes.sft.schedule.warmup_steps=7`.
    func setting(_ value: Int) -> String { "nodes.\(node).\(path)=\(value)" }
  }

  /// The node of each type in the pipeline.
  private static let nodes = [
    "load_dataset": "rows", "tokenize": "tokens", "attach_adapter": "lora", "train": "sft", "evaluate": "quality",
    "predict": "answers", "load_tokenizer": "tokenizer", "load_model": "model", "apply_template": "chat",
    "merge": "merged", "export": "release", "expand_model": "larger", "merge_adapters": "both",
    "score": "known", "merge_models": "mixed", "exec": "own",
  ]

  /// What a choice asks for beside itself.
  private static let companions = [
    "reduce_lr_on_plateau": ["nodes.sft.evaluate_every=1"], "adamw_schedule_free": ["nodes.sft.schedule.type=constant"],
    "eva": ["nodes.lora.data=tokens.train"], "dare_linear": ["nodes.mixed.base=model"],
  ]

  /// What a field asks for beside itself.
  private static let partners =
    ["early_stopping.patience": ["nodes.sft.evaluate_every=1"]].merging(
      ["every", "prompts", "max_tokens"].map { ("samples.\($0)", ["nodes.sft.tokenizer=tokenizer"]) }
    ) { first, _ in first }

  private func project() throws -> Project {
    let project = try Project(rows: 8)
    try project.edit(
      "data: tokens.train, epochs: 3,", "data: tokens.train, validation: tokens.validation, evaluate_every: 1000,")
    let others = """
        answers: {type: predict, model: sft, tokenizer: tokenizer, prompts: [Who?]}
        larger: {type: expand_model, model: model, blocks: 1}
        both: {type: merge_adapters, models: [sft, lora]}
        mixed: {type: merge_models, models: [model, merged]}
        own: {type: exec, command: ['true'], outputs: {o: files}}
        known: {type: score, of: likeliest, model: lora, data: tokens.train}
      outputs: [answers, quality
      """
    try project.edit("outputs: [quality", others)
    return project
  }

  private func fields(_ project: Project) throws -> [IntegerField] {
    let types = try JSON(parsing: project.anneal("nodes", "--json").output).array ?? []
    return try types.flatMap { type in
      let name = try #require(type["name"]?.string)
      let node = try #require(Self.nodes[name], "no node of type `\(name)` in the pipeline of this test")
      return Self.fields(type["fields"]?.array ?? [], node, "")
    }
  }

  /// - Parameter needed: What the group that they are in needs.
  private static func fields(
    _ list: [JSON], _ node: String, _ prefix: String, needed: [String] = []
  ) -> [IntegerField] {
    let defaults = Dictionary(list.map { ($0["name"]?.string ?? "", $0["default"]?.string ?? "") }) { first, _ in first
    }
    return list.flatMap { field -> [IntegerField] in
      let path = prefix + (field["name"]?.string ?? "")
      // A list of maps has none of them until one is written.
      if field["type"]?.string == "list of maps" { return [] }
      let needs =
        needed
        + (field["when"]?.array ?? []).flatMap { term -> [String] in
          guard let other = term["field"]?.string, let values = term["values"]?.array?.compactMap(\.string),
            let value = values.first, !values.contains(defaults[other] ?? "")
          else { return [] }
          return ["nodes.\(node).\(prefix)\(other)=\(value)"] + (companions[value] ?? [])
        }
      if let inner = field["fields"]?.array { return fields(inner, node, path + ".", needed: needs) }
      guard let type = field["type"]?.string, type.hasPrefix("whole number") else { return [] }
      // How many blocks the model has decides, which TrainablePartTests looks at.
      if path.hasPrefix("trainable.") { return [] }
      return [
        IntegerField(
          node: node, path: path, lower: bound("at least ", type), upper: bound("at most ", type),
          needs: needs + (partners[path] ?? []))
      ]
    }
  }

  private static func bound(_ words: String, _ type: String) -> Int? {
    type.range(of: words).flatMap { Int(type[$0.upperBound...].prefix { $0.isNumber }) }
  }

  @Test func numbersBeyondARangeAreRefusedAndOthersPlanned() throws {
    let project = try project()
    let fields = try fields(project)
    #expect(fields.count >= 17)
    for field in fields {
      for value in [Int.min, -1, 0, Int.max] {
        let settings = (field.needs + [field.setting(value)]).flatMap { ["--set", $0] }
        let outcome = try project.start(["validate", "pipeline.yaml"] + settings).1()
        let isInside = value >= field.lower ?? .min && value <= field.upper ?? .max
        #expect(outcome.code == (isInside ? 0 : 2), "\(field.setting(value)): \(outcome.messages)")
      }
    }
  }

  @Test func theLargestNumbersAreComputedWith() throws {
    let project = try project()
    // Lengths of training take as long as they say; a row longer than the model's positions is refused, and so are a rank
    // that no sum of adapters has, more new blocks than there are, and a warm-up longer than the training.
    let others = ["max_steps", "max_tokens", "max_length", "batch_tokens", "schedule.warmup_steps"]
    var settings = ["nodes.sft.max_steps=2"]
    for field in try fields(project)
    where field.needs.isEmpty && !["both", "larger"].contains(field.node)
      && (field.node == "answers" || !others.contains(field.path))
    {
      settings += [field.setting(field.upper ?? .max)]
    }
    settings += ["rows", "sft"].map { "nodes.\($0).timeout=1e300" }
    let arguments = ["run", "pipeline.yaml"] + settings.flatMap { ["--set", $0] }
    let outcome = try project.start(arguments).1()
    #expect(outcome.code == 0, "\(settings): \(outcome.messages)")
  }
}
