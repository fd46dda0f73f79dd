import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("Distillation")
struct DistillationTests {
  /// The teacher of the fixture.
  private struct TeacherWeights: WeightSource {
    let origin = "the fixture's teacher"
    func has(_ name: String) -> Bool { true }

    func tensor(named name: String, shape: [Int]) throws -> Tensor {
      let tensor = patternedTensor("teacher." + name, shape: shape, amplitude: 0.25)
      if name.hasSuffix("norm.weight") { for index in 0..<tensor.count { tensor.pointer[index] += 1 } }
      return tensor
    }
  }

  private static func teacher() throws -> LanguageModel {
    try LanguageModel(TinyLlama("gqa").configuration, weights: TeacherWeights(), compute: Compute(threads: 1))
  }

  private func table(_ json: JSON?) -> [[Double]] { json?.array?.map { $0.array?.compactMap(\.double) ?? [] } ?? [] }

  /// A head that gives its input as scores.
  private func identity(_ width: Int, _ compute: Compute) throws -> OutputHead {
    let weight = Tensor(shape: [width, width])
    for index in 0..<width { weight.pointer[index * width + index] = 1 }
    let parameter = Parameter(name: "head", value: weight, isTrainable: true)
    return OutputHead(try MatrixWeight(trainable: parameter, compute: compute))
  }

  @Test("Divergences and derivatives", arguments: StageFixture.values("distillation"))
  func values(value: StageFixture.Value) throws {
    let compute = try Compute(threads: 2)
    let temperature = value.settings["temperature"]?.double ?? 1
    let student = table(value.json["inputs"]?["student"])
    let width = student[0].count
    let parameter = Parameter(
      name: "x", value: Tensor(shape: [student.count, width], values: student.flatMap { $0 }.map { Float($0) }),
      isTrainable: true)
    let head = try identity(width, compute).divided(by: temperature)
    let target: any DistributionTarget
    if let ids = value.json["inputs"]?["ids"]?.array {
      target = LikeliestTokens(
        ids: ids.flatMap { $0.array?.compactMap { $0.int.map { Int32($0) } } ?? [] },
        logProbabilities: table(value.json["inputs"]?["log_probabilities"]).flatMap { $0 }.map { Float($0) }, count: 4,
        rest: value.settings["tail"] == "none" ? .none : .bucket, weight: 1)
    } else {
      let direction: LabelDivergence.Direction =
        switch value.name {
        case "forward": .forward
        case "reverse": .reverse
        default: .jensenShannon(try #require(value.settings["beta"]?.double))
        }
      let teacher = table(value.json["inputs"]?["teacher"])
      target = LabelDivergence(
        hidden: Tensor(shape: [teacher.count, width], values: teacher.flatMap { $0 }.map { Float($0) }), head: head,
        direction: direction, weight: 1)
    }
    let tape = Tape(compute: compute, records: true)
    let scores = try tape.crossEntropy(
      tape.embed((0..<Int32(student.count)).map { $0 }, table: parameter), head: head, targets: student.map { _ in 0 },
      weights: student.map { _ in 1 / Float(student.count) }, labelShare: 0, divergence: target)
    tape.backward(from: scores.loss)
    for (own, wanted) in zip(scores.divergences, try #require(value.json["losses"]?.array)) {
      #expect(abs(Double(own) - (try #require(wanted.double))) < 2e-5)
    }
    #expect(abs(Double(scores.loss.value.values[0]) - (try #require(value.json["loss"]?.double))) < 1e-5)
    let gradient = try #require(parameter.gradient).values
    for (own, wanted) in zip(gradient, table(value.json["gradients"]?["student"]).flatMap { $0 }) {
      #expect(abs(Double(own) - wanted) < 1e-6)
    }
  }

  @Test func theLikeliestTokensOfATeacherAreThoseOfTheFixture() throws {
    let file = try StageFixture("distillation").json
    let rows = try fixtureRows()
    let found = try likeliestLabels(of: rows, teacher: Self.teacher(), count: 8, temperature: 1, tokenBudget: 64)
    for (own, wanted) in zip(found, try #require(file["top_k"]?.array)) {
      #expect(own.ids.map { Int($0) } == (wanted["ids"]?.array ?? []).flatMap { $0.array?.compactMap(\.int) ?? [] })
      for (a, b) in zip(own.logProbabilities, table(wanted["log_probabilities"]).flatMap { $0 }) {
        #expect(abs(Double(a) - b) < 1e-5)
      }
    }
  }

  @Test("Ten steps", arguments: StageFixture.runs("distillation"))
  func tenSteps(run: StageFixture.Run) throws {
    let rows = try fixtureRows()
    let file = try StageFixture("distillation").json
    let settings = run.settings
    let direction: LabelDivergence.Direction =
      switch settings["loss"]?.string {
      case "reverse": .reverse
      case "jsd": .jensenShannon(try #require(settings["beta"]?.double))
      default: .forward
      }
    let known = try #require(file["top_k"]?.array).map { entry in
      LikeliestLabels(
        ids: (entry["ids"]?.array ?? []).flatMap { $0.array?.compactMap { $0.int.map { Int32($0) } } ?? [] },
        logProbabilities: table(entry["log_probabilities"]).flatMap { $0 }.map { Float($0) })
    }
    let teacher: Teacher =
      settings["loss"]?.string == "top_k"
      ? .likeliest(count: 8, rest: settings["tail"] == "none" ? .none : .bucket) { known[$0] }
      : .model(try Self.teacher())
    let stage = DistillationStage(
      DistillationStage.Settings(
        direction, temperature: settings["temperature"]?.double ?? 1, share: settings["share"]?.double ?? 1), teacher)
    try run.expectSameSteps(stage, rows)
  }

  /// A student that answers by itself learns on what it said, and does so again when it goes on from a checkpoint.
  @Test func ownAnswersAreAFunctionOfTheStep() throws {
    let rows = try fixtureRows()
    let model = try TinyLlama("gqa").model()
    let stage = DistillationStage(
      DistillationStage.Settings(
        .reverse, ownAnswers: DistillationStage.OwnAnswers(share: 1, maximumTokens: 5, stops: [2])),
      .model(try Self.teacher()))
    func batches(_ key: UInt64) throws -> [[Int32]] {
      let step = StageStep(Array(rows[..<4]), numbers: [0, 1, 2, 3], model: model, key: RandomKey(seed: key))
      return try stage.batches(of: step).map(\.packed.ids)
    }
    let first = try batches(1)
    #expect(try batches(1) == first)
    #expect(try batches(2) != first)
  }
}
