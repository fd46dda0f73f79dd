import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Rollouts that a fixture holds.
struct FixedRollouts: RolloutSource {
  var fixed: [Rollout]
  /// The rollouts of each pass, in its order; nil for that of a round.
  var passes: [[Int]]?
  var identity: String { "fixed" }
  func order(of count: Int, pass: Int, key: RandomKey) -> [Int] { passes?[pass] ?? Array(0..<count) }
  func rollouts(of step: StageStep) throws -> [Rollout] { fixed }

  init(_ json: JSON?, weights: [Double] = [], score: String? = nil) throws {
    fixed = try #require(json?.array).enumerated().map { index, entry in
      func ids(_ key: String) -> [Int32] { entry[key]?.array?.compactMap { $0.int.map { Int32($0) } } ?? [] }
      func floats(_ key: String) -> [Float] { entry[key]?.array?.compactMap { $0.double.map { Float($0) } } ?? [] }
      let rewards = entry["rewards"]?.array?.compactMap(\.double) ?? []
      var rollout = Rollout(
        row: index, prompt: ids("prompt"), completion: ids("completion"), isTruncated: entry["truncated"] == true,
        rewards: rewards,
        reward: score.flatMap { entry[$0]?.double } ?? zip(rewards, weights).reduce(0) { $0 + $1.0 * $1.1 })
      rollout.old = floats("old")
      rollout.reference = floats("reference")
      rollout.values = floats("values")
      return rollout
    }
  }

  /// Rows that the loop may take, whatever the rollouts are.
  var prompts: [TokenRow] {
    (0..<4).map { _ in TokenRow([TokenSequence(role: .prompt, ids: [5, 6], lossMask: [false, false])]) }
  }
}

@Suite("Policy optimisation")
struct PolicyTests {
  /// What has nothing to say is left out of the sum; where none has, there is no reward.
  @Test func rewardsAreAddedUpByTheirWeights() throws {
    let model = try TinyLlama("gqa").model()
    func rewards(_ given: [Double?]) throws -> [Double?] {
      let source = SampledRollouts(
        SampledRollouts.Settings(
          size: 2, maximumTokens: 3, stops: [2], weights: [1, -2], names: ["a", "b"], remembersPolicy: false),
        reference: nil
      ) { rollouts, _ in rollouts.map { _ in given } }
      let row = TokenRow([TokenSequence(role: .prompt, ids: [5, 6], lossMask: [false, false])])
      return try source.rollouts(of: StageStep([row], numbers: [0], model: model)).map(\.reward)
    }
    #expect(try rewards([3, 0.5]) == [2, 2])
    #expect(try rewards([nil, 0.5]) == [-1, -1])
    #expect(try rewards([nil, nil]) == [nil, nil])
  }

  private static func objective(_ settings: JSON, kind: String? = nil) throws -> PolicyObjective {
    let name = kind ?? settings["objective"]?.string ?? ""
    func number(_ key: String, _ usual: Double) -> Double { settings[key]?.double ?? usual }
    return PolicyObjective(
      try #require(PolicyObjective.Kind(rawValue: name)), epsilonLow: number("epsilon_low", 0.2),
      epsilonHigh: number("epsilon_high", 0.2), delta: settings["delta"]?.double, cap: number("cap", 5),
      beta: number("beta", 0), longest: settings["longest"]?.int ?? 12)
  }

  private func table(_ json: JSON?) -> [[Double]] { json?.array?.map { $0.array?.compactMap(\.double) ?? [] } ?? [] }

  @Test(
    "Losses and derivatives are those of TRL",
    arguments: StageFixture.values("grpo").filter { $0.name != "advantages" })
  func values(value: StageFixture.Value) throws {
    let objective = try Self.objective(value.settings)
    let (policy, old) = (table(value.json["inputs"]?["policy"]), table(value.json["inputs"]?["old"]))
    let advantage = try #require(value.input("advantage"))
    let reference = value.json["inputs"]?["reference"].map { table($0) }
    let (losses, gradients) = (table(value.json["losses"]), table(value.json["gradients"]?["policy"]))
    let step = (policy.count, policy.reduce(0) { $0 + $1.count })
    var (loss, low, high, ratio) = (0.0, 0.0, 0.0, 0.0)
    for index in policy.indices {
      let tokens = objective(
        policy: policy[index], old: old[index], advantage: advantage[index], reference: reference?[index])
      let weight = objective.weight(tokens: tokens.count, step: step)
      for (place, token) in tokens.enumerated() {
        #expect(abs(token.loss - losses[index][place]) < 1e-12)
        #expect(abs(weight * token.derivative - gradients[index][place]) < 1e-12)
        loss += weight * token.loss
        low += token.isClippedLow ? 1 : 0
        high += token.isClippedHigh ? 1 : 0
        ratio += token.ratio
      }
    }
    let count = Double(step.1)
    for (own, key) in [
      (loss, "loss"), (low / count, "clip_low"), (high / count, "clip_high"), (ratio / count, "ratio"),
    ] {
      #expect(abs(own - (try #require(value.json[key]?.double))) < 1e-12, "\(key)")
    }
  }

  @Test("One ratio a completion", arguments: StageFixture.values("rloo").filter { $0.name == "rloo" })
  func leaveOneOutValues(value: StageFixture.Value) throws {
    let objective = try Self.objective(value.settings, kind: "rloo")
    let policy = try #require(value.input("policy"))
    let old = try #require(value.input("old"))
    let advantage = try #require(value.input("advantage"))
    let losses = try #require(value.json["losses"]?.array).compactMap(\.double)
    let gradient = try #require(value.gradient("policy"))
    for index in policy.indices {
      // A sum that is spread over two tokens has the same ratio and moves by either.
      for parts in [[policy[index]], [policy[index] - 1.5, 1.5]] {
        let before = parts.count == 1 ? [old[index]] : [old[index] - 1, 1]
        let tokens = objective(policy: parts, old: before, advantage: advantage[index])
        let weight = objective.weight(tokens: tokens.count, step: (policy.count, 0))
        for token in tokens {
          #expect(abs(token.loss - losses[index]) < 1e-12)
          #expect(abs(weight * token.derivative - gradient[index]) < 1e-12)
        }
      }
    }
  }

  @Test(
    "Advantages",
    arguments: (StageFixture.values("grpo") + StageFixture.values("rloo")).filter { $0.name == "advantages" })
  func advantages(value: StageFixture.Value) throws {
    let weights = value.settings["weights"]?.array?.compactMap(\.double) ?? [1]
    let kl = value.input("kl")
    let beta = value.settings["beta"]?.double ?? 0
    let rewards: [Double?] = table(value.json["inputs"]?["rewards"]).enumerated().map { index, row in
      zip(row, weights).reduce(0) { $0 + $1.0 * $1.1 } - beta * (kl?[index] ?? 0)
    }
    let size = try #require(value.settings["size"]?.int)
    let found =
      if let scale = value.settings["scale"]?.string.flatMap(Advantages.Scale.init) {
        Advantages.relative(rewards, size: size, scale: scale)
      } else { Advantages.leaveOneOut(rewards, size: size, normalizes: value.settings["normalize"] == true) }
    for (own, wanted) in zip(found, try #require(value.json["advantages"]?.array)) {
      #expect(abs(try #require(own) - (try #require(wanted.double))) < 1e-12)
    }
  }

  @Test func completionsWithoutARewardAreLeftOut() {
    let found = Advantages.relative([1, nil, 0, nil, nil, 2], size: 3, scale: .none)
    #expect(found == [0.5, nil, -0.5, nil, nil, 0])
    #expect(Advantages.leaveOneOut([1, nil, 0], size: 3, normalizes: false) == [1, nil, -1])
    let (dead, all) = Advantages.dead([1, 1, 0, 1, nil, 0.5], size: 2)
    #expect(dead == 2 && all == 3)
  }

  @Test(
    "Ten steps on the rollouts of a round",
    arguments: StageFixture.runs("grpo") + StageFixture.runs("rloo"))
  func tenSteps(run: StageFixture.Run) throws {
    let fixture = try StageFixture("grpo").json
    let weights = try #require(fixture["reward_weights"]?.array).compactMap(\.double)
    let source = try FixedRollouts(fixture["rollouts"], weights: weights)
    let isLeaveOneOut = run.settings["objective"] == nil
    let size = try #require(fixture["size"]?.int)
    var objective = try Self.objective(run.settings, kind: isLeaveOneOut ? "rloo" : nil)
    let penalty = isLeaveOneOut ? objective.beta : 0
    if isLeaveOneOut { objective.beta = 0 }
    let stage = PolicyStage(
      PolicySettings(
        objective, size: size,
        scale: run.settings["scale"]?.string.flatMap(Advantages.Scale.init) ?? .group,
        normalizes: run.settings["normalize"] == true, penalty: penalty,
        temperature: run.settings["temperature"]?.double ?? 1,
        leavesOutTruncated: run.settings["mask_truncated"] == true, passes: 5, stepsOfPass: 2), source)
    try run.expectSameSteps(stage, source.prompts)
  }
}
