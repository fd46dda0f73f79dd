import PreciseJSON
import TestKit
import Testing
import TokenShards
import Training

/// Answers that are wanted or not: scripts/reference/stages, kto.py.
@Suite("Judged answers")
struct JudgedTests {
  static func rows() throws -> [TokenRow] {
    try (StageFixture("kto").json["rows"]?.array ?? []).map { row in
      func ids(_ key: String) throws -> [Int32] {
        try #require(row[key]?.array).compactMap { $0.int.map { Int32($0) } }
      }
      let (prompt, answer) = (try ids("prompt"), try ids("answer"))
      return TokenRow([
        TokenSequence(
          role: row["label"]?.bool == true ? .wanted : .unwanted, ids: prompt + answer,
          lossMask: [Bool](repeating: false, count: prompt.count) + [Bool](repeating: true, count: answer.count))
      ])
    }
  }

  private static func settings(_ json: JSON) throws -> JudgedStage.Settings {
    JudgedStage.Settings(
      try #require(JudgedLoss(rawValue: json["loss"]?.string ?? "kto")), beta: json["beta"]?.double ?? 0.1,
      wantedWeight: json["desirable_weight"]?.double ?? 1, unwantedWeight: json["undesirable_weight"]?.double ?? 1)
  }

  @Test("Values and derivatives", arguments: StageFixture.values("kto"))
  func closedForm(value: StageFixture.Value) throws {
    let settings = try Self.settings(value.settings)
    let policy = try #require(value.input("policy"))
    let reference = try #require(value.input("reference"))
    let labels = try #require(value.json["inputs"]?["labels"]?.array).map { $0.bool == true }
    let divergence = try #require(value.json["kl"]?.double)
    var loss = 0.0
    for (index, wanted) in try #require(value.gradient("policy")).enumerated() {
      let weight = labels[index] ? settings.wantedWeight : settings.unwantedWeight
      let found = settings.loss(
        ratio: policy[index] - reference[index], isWanted: labels[index], divergence: divergence, beta: settings.beta)
      loss += weight * found.loss / Double(policy.count)
      #expect(abs(weight * found.derivative / Double(policy.count) - wanted) < 1e-12)
    }
    #expect(abs(loss - (try #require(value.json["loss"]?.double))) < 1e-12)
  }

  /// TRL pairs answers inside of a batch; ours are pairs of the set, whatever the order.
  @Test("Ten steps", arguments: StageFixture.runs("kto").filter { $0.settings["mismatched"]?.string == "set" })
  func tenSteps(run: StageFixture.Run) throws {
    let rows = try Self.rows()
    let settings = try Self.settings(run.settings)
    let base = try TinyLlama("gqa").model()
    let set = TrainingRows(rows)
    let other = try rows.indices.map { try #require(try MismatchedAnswers(set, longest: .max).sequence($0)) }
    let reference = JudgedStage.Reference(
      answers: try answerLogProbabilities(of: rows.map { $0.sequences[0] }, model: base),
      mismatched: try answerLogProbabilities(of: other, model: base))
    for (own, wanted) in zip(reference.answers, try #require(StageFixture("kto").json["reference"]?.array)) {
      #expect(relativeError(own, try #require(wanted.double)) < 1e-5)
    }
    // Without z the fixture says 0 and our steps nothing of it.
    try run.expectSameSteps(JudgedStage(settings, reference: reference, rows: set, longest: .max), rows)
  }

  @Test func theSamePromptIsNoMismatch() throws {
    func row(_ prompt: [Int32], _ answer: [Int32]) -> TokenRow {
      TokenRow([
        TokenSequence(
          role: .wanted, ids: prompt + answer,
          lossMask: prompt.map { _ in false } + answer.map { _ in true })
      ])
    }
    let rows = [row([1, 2], [3]), row([5], [6, 7]), row([5], [8])]
    let mismatched = MismatchedAnswers(TrainingRows(rows), longest: .max)
    #expect(try mismatched.sequence(0)?.ids == [1, 2, 8])
    #expect(try mismatched.sequence(1)?.ids == [5, 3])
    #expect(try mismatched.sequence(2)?.ids == [5, 3])
    #expect(try MismatchedAnswers(TrainingRows(Array(rows[1...])), longest: .max).sequence(0) == nil)
  }
}
