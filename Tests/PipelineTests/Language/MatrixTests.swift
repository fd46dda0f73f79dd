import Foundation
import Pipeline
import Testing

/// `matrix`: which nodes become several, what they are called, what they take and which keys they have.
@Suite("Matrix")
struct MatrixTests {
  private static func text(_ matrix: String, params: String = "", more: String = "") -> String {
    """
    pipeline: sweep
    params: {rate: 1e-4, rank: 8, seed: 0, file: rows.jsonl\(params)}
    matrix: \(matrix)
    nodes:
      rows: {type: load_dataset, from: "${file}"}
      chat: {type: apply_template, dataset: rows}
      tokens: {type: tokenize, conversations: chat, validation: 0.1}
      base: {type: load_model, from: weights.gguf}
      sft: {type: train, model: base, data: tokens.train, learning_rate: "${rate}", rank: "${rank}", notes: "${seed}"}
      dpo: {type: train, model: sft, data: tokens.train, reference: sft.model, learning_rate: 1e-5}\(more)
    """
  }

  private func inputs(_ pipeline: ResolvedPipeline, _ node: String) throws -> [String] {
    try #require(pipeline.node(node)).inputs.map { "\($0.port): \($0.node).\($0.output)" }
  }

  @Test("every value with every other, and ancestors once")
  func grid() throws {
    let pipeline = try load(Self.text("{grid: {rate: [1e-4, 3e-4], rank: [4, 8]}}"))
    #expect(
      pipeline.nodes.map(\.name) == [
        "base", "rows", "chat", "tokens", "sft@rate=1e-4,rank=4", "dpo@rate=1e-4,rank=4", "sft@rate=1e-4,rank=8",
        "dpo@rate=1e-4,rank=8", "sft@rate=3e-4,rank=4", "dpo@rate=3e-4,rank=4", "sft@rate=3e-4,rank=8",
        "dpo@rate=3e-4,rank=8",
      ])
    #expect(
      try inputs(pipeline, "dpo@rate=3e-4,rank=8") == [
        "model: sft@rate=3e-4,rank=8.model", "data: tokens.train", "reference: sft@rate=3e-4,rank=8.model",
      ])
    #expect(pipeline.outputs.map(\.node).allSatisfy { $0.hasPrefix("dpo@") } && pipeline.outputs.count == 4)
    #expect(Set(pipeline.nodes.map(\.planKey)).count == 12)
    #expect(pipeline.parameters.first { $0.name == "rate" }?.value == "[1e-4, 3e-4]")
    let member = try #require(pipeline.node("sft@rate=3e-4,rank=8")?.member)
    #expect(member.node == "sft" && member.values.map(\.value) == ["3e-4", "8"])
    #expect(pipeline.node("tokens")?.member == nil)
  }

  @Test("a member's keys are those of the same values without a matrix")
  func keys() throws {
    let alone = try load(
      Self.text("", params: "").replacing("matrix: \n", with: "").replacing("rate: 1e-4", with: "rate: 3e-4"))
    let pipeline = try load(Self.text("{grid: {rate: [1e-4, 3e-4]}}"))
    for node in ["sft", "dpo"] {
      #expect(pipeline.node("\(node)@rate=3e-4")?.planKey == alone.node(node)?.planKey)
    }
    #expect(pipeline.node("tokens")?.planKey == alone.node("tokens")?.planKey)
  }

  @Test("rows, seeds and what is left out")
  func rows() throws {
    let pipeline = try load(
      Self.text(
        "{list: [{rate: 1e-4, rank: 4}, {rate: 0.5, rank: 8}], seeds: 2, except: [{rank: 8, seed: 2}]}"))
    #expect(
      pipeline.nodes.map(\.name).filter { $0.hasPrefix("sft") } == [
        "sft@rate=0.5,rank=8,seed=1", "sft@rate=1e-4,rank=4,seed=1", "sft@rate=1e-4,rank=4,seed=2",
      ])
    #expect(
      try inputs(pipeline, "dpo@rate=0.5,rank=8,seed=1").first == "model: sft@rate=0.5,rank=8,seed=1.model")
  }

  @Test("a node has one member for each of the values that reach it")
  func reach() throws {
    let more = "\n  other: {type: train, model: base, data: tokens.train, learning_rate: 1e-5, rank: \"${rank}\"}"
    let pipeline = try load(Self.text("{grid: {rate: [1e-4, 3e-4], rank: [4, 8]}}", more: more))
    #expect(pipeline.nodes.map(\.name).filter { $0.hasPrefix("other") } == ["other@rank=4", "other@rank=8"])
    // Through another param, and from the first node on.
    let files = try load(
      Self.text("{grid: {name: [rows, more]}}", params: "").replacing(
        "params: {", with: "params: {name: rows, "
      ).replacing("file: rows.jsonl", with: "file: \"${name}.jsonl\""))
    #expect(files.nodes.map(\.name).filter { $0.hasPrefix("tokens") } == ["tokens@name=more", "tokens@name=rows"])
    #expect(try inputs(files, "sft@name=more").last == "data: tokens@name=more.train")
    #expect(files.nodes.count { $0.name == "base" } == 1)
  }

  @Test("params that name nodes, and ports that take all members")
  func references() throws {
    let named = try load(
      Self.text("{grid: {start: [base, sft]}}", params: ", start: base").replacing(
        "dpo: {type: train, model: sft", with: "dpo: {type: train, model: \"${start}\""))
    #expect(try inputs(named, "dpo@start=sft").first == "model: sft.model")
    #expect(try inputs(named, "dpo@start=base").first == "model: base.model")
    let all = try load(
      Self.text(
        "{grid: {file: [rows.jsonl, more.jsonl]}}",
        more: "\n  both: {type: mix, datasets: [\"rows@*\"], weights: [1, 2]}"))
    #expect(
      try inputs(all, "both") == ["datasets: rows@file=rows.jsonl.rows", "datasets: rows@file=more.jsonl.rows"])
  }

  @Test("values that are the same in the letters of files have numbers")
  func labels() throws {
    let pipeline = try load(Self.text("{grid: {seed: [\"a b\", \"a/b\", ä]}}"))
    #expect(
      pipeline.nodes.map(\.name).filter { $0.hasPrefix("sft") } == ["sft@seed=_", "sft@seed=a_b", "sft@seed=a_b~2"])
  }

  @Test("a node's name stands for all of its members among targets")
  func targets() throws {
    let pipeline = try load(Self.text("{grid: {rate: [0.1, 0.5]}}"))
    #expect(try pipeline.wanted(["sft"]) == ["sft@rate=0.1", "sft@rate=0.5"])
    #expect(try pipeline.wanted(["sft@rate=0.5"]) == ["sft@rate=0.5"])
    #expect(try pipeline.wanted(["sft@rate=0.5.model"]) == ["sft@rate=0.5"])
    #expect(throws: (any Error).self) { try pipeline.wanted(["sft@rate=0.7"]) }
  }

  @Test("a row of `except` for values that `--set` took away is a warning")
  func exceptionsOfOtherValues() throws {
    let text = Self.text("{grid: {rate: [1e-4, 3e-4], rank: [4, 8]}, except: [{rate: 3e-4, rank: 8}]}")
    let pipeline = try load(text, set: ["matrix.grid.rate=[0.5]"])
    #expect(
      pipeline.nodes.map(\.name).filter { $0.hasPrefix("sft") } == ["sft@rate=0.5,rank=4", "sft@rate=0.5,rank=8"])
    #expect(pipeline.warnings.map(\.summary).contains("This row of `except` leaves nothing out"))
    #expect(messages(text, set: ["nodes.dpo.epochs=2"]).isEmpty)
  }

  /// 1000 members of five nodes: a few seconds where every reference was looked at once for each member.
  @Test("a large matrix is expanded at once", .timeLimit(.minutes(1)))
  func large() throws {
    let numbers = (1...10).map(String.init).joined(separator: ", ")
    let start = Date()
    let pipeline = try load(
      Self.text("{grid: {rate: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95], rank: [\(numbers)]}, seeds: 10}"))
    #expect(pipeline.nodes.count == 4 + 2 * 1000)
    #expect(Date().timeIntervalSince(start) < 10)
  }

  @Test("`--set` changes the matrix, and no param that it gives values to")
  func overrides() throws {
    let text = Self.text("{grid: {rate: [1e-4, 3e-4]}}")
    let pipeline = try load(text, set: ["matrix.grid.rate=[0.5]"])
    #expect(pipeline.nodes.map(\.name).filter { $0.hasPrefix("sft") } == ["sft@rate=0.5"])
    #expect(
      messages(text, set: ["rate=0.5"]).hasPrefix("--set argument 1: error: `rate` takes its values from `matrix`"),
      "\(messages(text, set: ["rate=0.5"]))")
  }

  @Test(
    "what is wrong with a matrix",
    arguments: [
      ("{rate: [1, 2]}", "Unknown key `rate`"), ("{grid: {lr: [1]}}", "Unknown param `lr`"),
      ("{grid: {rate: 1}}", "`rate` is `1`"), ("{grid: {rate: []}}", "`rate` is an empty list"),
      ("{grid: [1]}", "`grid` is a list"), ("{list: [{rate: 1}, {rank: 2}]}", "Row 2 of `list` gives [`rank`]"),
      ("{list: 3}", "`list` is `3`"), ("{seeds: 0}", "`seeds` is `0`"), ("{seeds: many}", "`seeds` is `many`"),
      ("{grid: {rate: [1]}, list: [{rate: 2}]}", "Param `rate` takes its values from two places of `matrix`"),
      ("{grid: {rate: [1, 1]}}", "Two members of `matrix` are the same: rate: 1"), ("{}", "`matrix` has no members"),
      ("[]", "`matrix` is an empty list"),
      ("{seeds: 40, grid: {rank: [1,2,3,4,5,6,7,8,9,10], rate: [1,2,3]}}", "`matrix` has 1200 members"),
      ("{seeds: 2, except: [{seed: 3}]}", "This row of `except` leaves nothing out"),
      ("{seeds: 2, except: [{rank: 3}]}", "Unknown param `rank`"),
      ("{seeds: 1, except: [{seed: 1}]}", "`except` leaves no member of `matrix`"),
      ("{grid: {idle: [1, 2]}}", "Param `idle` of `matrix` reaches no node"),
    ])
  func problems(matrix: String, words: String) {
    let found = messages(Self.text(matrix, params: ", idle: 0"))
    #expect(found.contains("error: " + words), "\(found)")
  }

  @Test("a fault of all members is told once, with their number")
  func faults() {
    let found = messages(
      Self.text("{grid: {rank: [4, 8, 16]}}").replacing("learning_rate: 1e-5", with: "learning_rate: 0"))
    #expect(found.components(separatedBy: "error:").count == 2, "\(found)")
    #expect(found.contains("so in 3 members of the matrix"), "\(found)")
    let one = messages(Self.text("{grid: {rank: [4, 0]}}"))
    #expect(one.components(separatedBy: "error:").count == 2, "\(one)")
    #expect(one.contains("at `nodes.sft@rank=0.rank`"), "\(one)")
  }
}
