import Pipeline
import Testing

/// How values are read when nothing is wrong with them.
struct ReadingTests {
  private func train(_ fields: String, params: String = "{}", set: [String] = []) throws -> ToyTrain.Fields {
    let pipeline = try load(
      """
      pipeline: sft
      params: \(params)
      nodes:
        base: {type: load_model, from: weights.gguf}
        rows: {type: load_dataset, from: rows.jsonl}
        chat: {type: apply_template, dataset: rows}
        tokens: {type: tokenize, conversations: chat}
        sft: {type: train, model: base, data: tokens.train, \(fields)}
      """, set: set)
    return try #require(pipeline.node("sft")?.fields.of(ToyTrain.Fields.self))
  }

  @Test(arguments: [
    ("1e-5", 1e-5), ("1.0e-4", 1e-4), ("+.5", 0.5), ("1.", 1), ("3", 3), ("0.00010", 1e-4), ("1E2", 100), ("0x10", 16),
  ])
  func numbers(text: String, value: Double) throws {
    #expect(try train("learning_rate: \(text)").learningRate == value)
  }

  @Test(arguments: [("8", 8), ("+8", 8), ("0x10", 16), ("0o17", 15), ("1e3", 1000), ("4.0", 4)])
  func integers(text: String, value: Int) throws {
    #expect(try train("learning_rate: 1, rank: \(text)").rank == value)
  }

  @Test(arguments: [
    ("no", "no"), ("1e5", "1e5"), ("true", "true"), ("0123", "0123"), ("'null'", "null"), ("\"a b\"", "a b"),
    ("!!str 12", "12"), ("2024-01-01", "2024-01-01"),
  ])
  func textsAreTexts(written: String, text: String) throws {
    #expect(try train("learning_rate: 1, notes: \(written)").notes == text)
  }

  @Test(arguments: ["null", "~", ""])
  func nullIsNothingWhereThatIsAValue(written: String) throws {
    #expect(try train("learning_rate: 1, notes: \(written) ").notes == nil)
  }

  @Test func oneValueIsAListOfOne() throws {
    #expect(try train("learning_rate: 1, targets: q_proj").targets == ["q_proj"])
    #expect(try train("learning_rate: 1, targets: [q, k]").targets == ["q", "k"])
  }

  @Test func groupsKeepTheirDefaults() throws {
    let schedule = try train("learning_rate: 1, schedule: {warmup_ratio: 0.5}").schedule
    #expect(schedule.type == .linear)
    #expect(schedule.warmupRatio == 0.5)
  }

  @Test func paramsAreReadByTheFieldThatTakesThem() throws {
    let params = "{a: 3e-4, b: 12, list: [q, '${b}'], name: run-${b}}"
    let fields = try train(
      "learning_rate: ${a}, rank: '${b}', notes: \"${name}: $${x} $5\", targets: ${list}", params: params)
    #expect(fields.learningRate == 3e-4)
    #expect(fields.rank == 12)
    #expect(fields.notes == "run-12: ${x} $5")
    #expect(fields.targets == ["q", "12"])
  }

  @Test func overridesCountAsIfTheyStoodInTheFile() throws {
    let set = [
      "lr=2e-4", "params.lr=3e-4", "nodes.sft.rank=8", "nodes.sft.schedule.type=cosine", "nodes.sft.targets=[q, k]",
    ]
    let fields = try train("learning_rate: ${lr}", params: "{lr: 1e-4}", set: set)
    #expect(fields.learningRate == 3e-4)
    #expect(fields.rank == 8)
    #expect(fields.schedule.type == .cosine)
    #expect(fields.targets == ["q", "k"])
    #expect(try train("learning_rate: 1, max_steps: 5", set: ["nodes.sft.max_steps="]).maxSteps == nil)
  }

  @Test func settingsOfEveryNode() throws {
    let pipeline = try load(
      "pipeline: a\nnodes:\n  rows: {type: load_dataset, from: rows.jsonl, timeout: 15m, retries: 2, memory: 8GiB}")
    let settings = try #require(pipeline.nodes.first?.settings)
    #expect(settings.timeout == Seconds(900))
    #expect(settings.retries == 2)
    #expect(settings.memory == ByteCount(8 << 30))
  }

  @Test func anchorsStandForTheirValues() throws {
    let pipeline = try load(
      """
      pipeline: a
      nodes:
        rows: {type: load_dataset, from: &file rows.jsonl}
        more: {type: load_dataset, from: *file}
      """)
    #expect(Set(pipeline.nodes.map(\.planKey)).count == 1)
  }
}
