import Foundation
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Training

/// The losses over pairs against their definitions: scripts/reference/stages.
@Suite("Losses over pairs")
struct PairLossTests {
  /// What a value or a run of a fixture minimises.
  static func objective(_ settings: JSON, of stage: String) throws -> PairObjective {
    func number(_ key: String, _ fallback: Double) -> Double { settings[key]?.double ?? fallback }
    let pairs = (settings["losses"] ?? settings["losses_with_weights"])?.array
    var terms = pairs?.compactMap { pair in
      pair.array.flatMap { pair in pair[0].string.map { ($0, pair[1].double ?? 1) } }
    }
    if terms == nil { terms = [(settings["loss"]?.string ?? "sigmoid", 1)] }
    let known: [PairLoss] =
      switch stage {
      case "dpo": PairLoss.withReference
      case "orpo": [PairLoss.oddsRatio]
      default: PairLoss.contrastive + [PairLoss.simple]
      }
    let alpha = settings["alpha"]?.double
    let divergence: Divergence? =
      switch settings["f_divergence"]?.string {
      case "forward_kl": .forward
      case "js_divergence": .jensenShannon
      case "alpha_divergence": .alpha(number("f_alpha", 1))
      default: alpha.map { .alphaReward($0) }
      }
    return PairObjective(
      try (terms ?? []).map { name, weight in
        let loss = stage == "orpo" ? PairLoss.oddsRatio : known.first { $0.name == name }
        return PairObjective.Term(try #require(loss, "no loss \(name)"), weight: weight)
      },
      beta: number("beta", 0.1), labelSmoothing: number("label_smoothing", 0), margin: number("gamma", 0),
      divergence: divergence, supervised: number("sft", 0), tailWeight: number("ld_alpha", 1),
      isWeighted: settings["wpo"]?.bool ?? false)
  }

  /// Those that are functions of summed log-probabilities alone, of the temperature that is built in.
  static func values(_ stage: String) -> [StageFixture.Value] {
    StageFixture.values(stage).filter { value in
      value.json["loss"] != nil && value.input("weights") == nil && value.settings["ld_alpha"] == nil
        && value.settings["discopop_tau"]?.double ?? 0.05 == 0.05 && !(value.settings["pooled"]?.bool ?? false)
    }
  }

  @Test("Values and derivatives", arguments: ["dpo", "orpo", "cpo"].flatMap { s in values(s).map { (s, $0) } })
  func closedForm(stage: String, value: StageFixture.Value) throws {
    let objective = try Self.objective(value.settings, of: stage)
    func scores(_ answer: String) throws -> [AnswerScores] {
      let policy = try #require(value.input(answer))
      let reference = value.input("reference_\(answer)") ?? policy.map { _ in 0 }
      let tokens = value.input("\(answer)_tokens") ?? policy.map { _ in 1 }
      return zip(policy, zip(reference, tokens)).map { AnswerScores($0, reference: $1.0, tokens: Int($1.1)) }
    }
    let pairs = zip(try scores("chosen"), try scores("rejected")).map { PairScores(chosen: $0, rejected: $1) }
    let verdicts = objective.verdicts(pairs, shift: value.json["delta"]?.double ?? 0)
    let count = Double(pairs.count)
    let loss = verdicts.reduce(0) { $0 + $1.loss } / count
    let wanted = try #require(value.json["loss"]?.double)
    #expect(abs(loss - wanted) <= 1e-12 * max(1, abs(wanted)))
    for (name, found) in [("chosen", verdicts.map(\.chosen)), ("rejected", verdicts.map(\.rejected))] {
      for (own, wanted) in zip(found, try #require(value.gradient(name))) {
        #expect(abs(own / count - wanted) <= 1e-12 * max(1, abs(wanted)), "\(name): \(own / count), not \(wanted)")
      }
    }
  }

  @Test(
    "Ten steps",
    arguments: ["dpo", "orpo", "cpo"].flatMap { stage in
      StageFixture.runs(stage).filter { !isOtherwise($0) }.map { (stage, $0) }
    })
  func tenSteps(stage: String, run: StageFixture.Run) throws {
    let objective = try Self.objective(run.settings, of: stage)
    let pairs = try fixturePairs()
    let reference =
      stage == "dpo"
      ? try pairLogProbabilities(of: pairs, model: TinyLlama("gqa").model(), tailWeight: objective.tailWeight) : nil
    try run.expectSameSteps(PairStage(objective, reference: reference), pairs)
  }

  /// What TRL does otherwise: means over all tokens of a batch, where a pair counts as much as another here; a reference
  /// whose long answers count whole.
  private static func isOtherwise(_ run: StageFixture.Run) -> Bool {
    run.settings["pooled"]?.bool == true || run.settings["whole_rows"]?.bool == true
      || run.settings["ld_reference"]?.bool == false
  }

  @Test(arguments: [-1e6, -2000, 2000, 1e6]) func staysFiniteFarOut(margin: Double) throws {
    let pair = PairScores(chosen: AnswerScores(margin), rejected: AnswerScores(0))
    let verdict = try #require(sigmoidObjective(beta: 1).verdicts([pair]).first)
    #expect(verdict.loss == max(0, -margin))
    #expect(verdict.chosen == (margin < 0 ? -1 : 0))
    #expect(verdict.rewards.chosen == margin)
    for loss in PairLoss.withReference {
      let verdict = try #require(PairObjective([PairObjective.Term(loss)], beta: 1).verdicts([pair]).first)
      #expect(verdict.chosen.isFinite && verdict.rejected.isFinite, "\(loss.name)")
      #expect(verdict.loss.isFinite || loss.name == "discopop", "\(loss.name): \(verdict.loss)")
    }
  }

  @Test func aRunningMeanGoesOnFromACheckpoint() throws {
    let bco = PairLoss.withReference.filter { $0.name == "bco_pair" }.map { PairObjective.Term($0) }
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: TinyLlama("gqa").model())
    let folder = try TemporaryFolder()
    func loop(_ checkpoints: CheckpointFolder?) throws -> TrainingLoop<PairStage> {
      let reference = try readJSON(fixture("Training/dpo.json"))
      return try TrainingLoop(
        model: adaptedModel("adapter"), stage: PairStage(PairObjective(bco), reference: scores),
        rows: TrainingRows(pairs), settings: settings(of: reference), checkpoints: checkpoints)
    }
    let whole = try loop(nil)
    let expected = try whole.run()
    let first = try loop(CheckpointFolder(path: folder.path))
    var steps = 0
    first.shouldStop = {
      steps += 1
      return steps == 4
    }
    #expect(throws: TrainingInterrupted.self) { try first.run() }
    let second = try loop(CheckpointFolder(path: folder.path))
    #expect(try timeless(second.run().metrics) == timeless(expected.metrics))
    #expect(trainedValues(second.model) == trainedValues(whole.model))
  }
}
