import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

@Suite("Policy and critic")
struct ActorCriticTests {
  @Test("Advantages are estimated", arguments: StageFixture.values("ppo").filter { $0.name == "advantages" })
  func advantages(value: StageFixture.Value) throws {
    func number(_ key: String) throws -> Double { try #require(value.settings[key]?.double) }
    let estimate = AdvantageEstimate(
      gamma: try number("gamma"), lambda: try number("lam"),
      divergence: try #require(value.settings["estimator"]?.string.flatMap(AdvantageEstimate.Divergence.init)))
    let rewards = try estimate.rewards(
      old: #require(value.input("old")), reference: #require(value.input("reference")),
      score: #require(value.json["inputs"]?["score"]?.double), coefficient: number("kl_coefficient"))
    let found = estimate(rewards: rewards, values: try #require(value.input("values")))
    for (own, key) in [(rewards, "rewards"), (found.advantages, "advantages"), (found.returns, "returns")] {
      for (a, b) in zip(own, try #require(value.json[key]?.array)) {
        #expect(abs(a - (try #require(b.double))) < 1e-12, "\(key)")
      }
    }
    #expect(estimate.rewards(old: [-1, -2], reference: [], score: 3, coefficient: 1) == [0, 3])
  }

  /// Without a reference, with γ = λ = 1, what each token of an answer should have been expected to bring is its score.
  @Test func scoresGetTheMomentsOfAllSoFar() throws {
    let model = try TinyLlama("gqa").model()
    var source = try FixedRollouts(
      [
        ["prompt": [5, 6], "completion": [7, 8], "score": 1, "old": [-1, -1], "values": [0, 0]],
        ["prompt": [5, 6], "completion": [9, 2], "score": 3, "old": [-1, -1], "values": [0, 0]],
        ["prompt": [5, 6], "completion": [4, 2], "score": 8, "old": [-1, -1], "values": [0, 0]],
      ], score: "score")
    source.passes = [[0, 1, 2]]
    func returns(_ normalizes: Bool) throws -> [Double] {
      var stage = ActorCriticStage(
        ActorCriticSettings(
          estimate: AdvantageEstimate(gamma: 1, lambda: 1), normalizesScores: normalizes, passes: 1), source,
        head: ScoreHead(width: model.configuration.hiddenSize, seed: 4))
      _ = try stage.batches(
        of: StageStep(Array(source.prompts.prefix(3)), numbers: [0, 1, 2], model: model))
      return (stage.state["round"]?.array ?? []).compactMap { $0["returns"]?.array?.last?.double }
    }
    #expect(try returns(false) == [1, 3, 8])
    // Mean 4, deviation √13 with n − 1.
    for (found, score) in zip(try returns(true), [1.0, 3, 8]) {
      #expect(abs(found - (score - 4) / 13.0.squareRoot()) < 1e-12)
    }
  }

  @Test("Numbers of a round are whitened", arguments: StageFixture.values("ppo").filter { $0.name == "whitened" })
  func whitened(value: StageFixture.Value) throws {
    func table(_ json: JSON?) -> [[Double]] { json?.array?.map { $0.array?.compactMap(\.double) ?? [] } ?? [] }
    let found = AdvantageEstimate.whitened(
      table(value.json["inputs"]?["numbers"]), keepsMean: value.settings["shift_mean"] == false)
    for (a, b) in zip(found.flatMap { $0 }, table(value.json["whitened"]).flatMap { $0 }) {
      #expect(abs(a - b) < 1e-12)
    }
  }

  @Test("Losses and derivatives", arguments: StageFixture.values("ppo").filter { $0.name == "objective" })
  func objective(value: StageFixture.Value) throws {
    let objective = ClippedObjective(
      epsilon: value.settings["epsilon"]?.double ?? 0.2, valueEpsilon: value.settings["epsilon_value"]?.double ?? 0.2,
      valueWeight: value.settings["vf"]?.double ?? 0.1)
    func input(_ key: String) throws -> [Double] { try #require(value.input(key)) }
    let (policy, values, old) = (try input("policy"), try input("values"), try input("old"))
    let (oldValues, advantages, returns) = (try input("old_values"), try input("advantages"), try input("returns"))
    let tokens = policy.indices.map { index in
      objective(
        policy: policy[index], value: values[index], old: old[index], oldValue: oldValues[index],
        advantage: advantages[index], return: returns[index])
    }
    let count = Double(tokens.count)
    func mean(_ number: (ClippedObjective.Token) -> Double) -> Double { tokens.reduce(0) { $0 + number($1) } / count }
    let measured: [(String, Double)] = [
      ("loss", mean(\.policyLoss) + objective.valueWeight * mean(\.valueLoss)), ("policy_loss", mean(\.policyLoss)),
      ("value_loss", mean(\.valueLoss)), ("ratio", mean(\.ratio)), ("clip_fraction", mean { $0.isClipped ? 1 : 0 }),
      ("value_clip_fraction", mean { $0.isValueClipped ? 1 : 0 }),
    ]
    for (key, own) in measured {
      guard let wanted = value.json[key]?.double else { continue }
      #expect(abs(own - wanted) < 1e-12, "\(key)")
    }
    #expect(value.json["loss"]?.double != nil)
    for (index, token) in tokens.enumerated() {
      #expect(abs(token.policyDerivative / count - (try #require(value.gradient("policy")))[index]) < 1e-12)
      #expect(abs(token.valueDerivative / count - (try #require(value.gradient("values")))[index]) < 1e-12)
    }
  }

  @Test(
    "The divergence is held near its target", arguments: StageFixture.values("ppo").filter { $0.name == "adaptive" })
  func adaptive(value: StageFixture.Value) throws {
    var control = DivergenceControl(
      coefficient: try #require(value.json["inputs"]?["coefficient"]?.double),
      target: try #require(value.settings["target"]?.double),
      horizon: try #require(value.settings["horizon"]?.double))
    control.see(
      try #require(value.json["inputs"]?["kl"]?.double), completions: try #require(value.settings["count"]?.int))
    #expect(abs(control.coefficient - (try #require(value.json["coefficient"]?.double))) < 1e-12)
  }

  @Test func scoresAreNormalised() throws {
    var moments = RunningMoments()
    for value in StageFixture.values("ppo") where value.name == "score_normalization" {
      moments.add(try #require(value.input("scores")))
      #expect(abs(moments.mean - (try #require(value.json["mean"]?.double))) < 1e-12)
      #expect(abs(moments.deviation - (try #require(value.json["deviation"]?.double))) < 1e-12)
    }
    #expect(moments.count == 7)
  }

  @Test("Four passes of three steps on the rollouts of a round", arguments: StageFixture.runs("ppo"))
  func twelveSteps(run: StageFixture.Run) throws {
    let fixture = try StageFixture("ppo").json
    func number(_ key: String, _ json: JSON) throws -> Double { try #require(json[key]?.double) }
    var source = try FixedRollouts(fixture["rollouts"], score: "score")
    let steps = try #require(fixture["order"]?.array).map { $0.array?.compactMap(\.int) ?? [] }
    source.passes = stride(from: 0, to: steps.count, by: 3).map { steps[$0..<$0 + 3].flatMap { $0 } }
    let head = ScoreHead(
      weight: patternedTensor("v_head.summary.weight", shape: [1, 64], amplitude: 0.1),
      bias: patternedTensor("v_head.summary.bias", shape: [1], amplitude: 0.1))
    let stage = ActorCriticStage(
      ActorCriticSettings(
        ClippedObjective(
          // The fixture's optimizer has the same number as its ε.
          epsilon: try number("epsilon", run.settings), valueEpsilon: try number("epsilon_value", run.settings),
          valueWeight: try number("vf", run.settings)),
        estimate: AdvantageEstimate(gamma: try number("gamma", fixture), lambda: try number("lam", fixture)),
        control: DivergenceControl(coefficient: try number("kl_coefficient", fixture)), passes: 4, stepsOfPass: 3),
      source, head: head)
    try run.expectSameSteps(stage, source.prompts)
  }
}
