import LanguageModels
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Training

/// A file of `Tests/Fixtures/Stages`, made by `scripts/reference/stages`: closed forms of a stage's losses and runs of ten
/// steps.
struct StageFixture {
  let json: JSON

  init(_ name: String) throws { json = try readJSON(fixture("Stages/\(name).json")) }

  /// A loss and its derivatives for given inputs, in float64.
  struct Value: CustomTestStringConvertible, Sendable {
    var json: JSON
    var name: String { json["name"]?.string ?? "" }
    var settings: JSON { json["settings"] ?? .null }
    var testDescription: String { "\(name) \(settings.text())" }

    func input(_ name: String) -> [Double]? { json["inputs"]?[name]?.array?.compactMap(\.double) }
    func gradient(_ name: String) -> [Double]? { json["gradients"]?[name]?.array?.compactMap(\.double) }
  }

  /// Ten steps of the tiny model.
  struct Run: CustomTestStringConvertible, Sendable {
    var json: JSON
    var name: String { json["name"]?.string ?? "" }
    var settings: JSON { json["settings"] ?? .null }
    /// Whether all weights are trained, or the adapter of the other fixtures.
    var isFull: Bool { json["model"]?.string == "full" }
    var testDescription: String { "\(name), \(isFull ? "full" : "adapter")" }

    /// The model as it starts.
    func model() throws -> LanguageModel { try referenceModel(isFull ? "full" : "adapter") }

    /// Runs a stage and compares every number of every step.
    func expectSameSteps(
      _ stage: some TrainingStage, _ rows: [TokenRow], leavingOut ignored: Set<String> = []
    ) throws {
      func number(_ key: String) throws -> Double { try #require(settings[key]?.double) }
      let betas = try [0, 1].map { try #require(settings["betas"]?.array?[$0].double) }
      let steps = try #require(json["steps"]?.array)
      let loop = try TrainingLoop(
        model: model(), stage: stage, rows: TrainingRows(rows),
        settings: TrainingSettings(
          length: .steps(steps.count), batchSize: settings["batch"]?.int ?? rows.count,
          learningRate: number("learning_rate"),
          schedule: LearningRateSchedule(.constant),
          optimizer: AdamWSettings(beta1: betas[0], beta2: betas[1], epsilon: number("epsilon")),
          weightDecay: number("weight_decay"), maxGradNorm: number("max_grad_norm"), shuffle: false, tokenBudget: 64))
      let metrics = try loop.run().metrics
      #expect(metrics.count == steps.count)
      for (index, (found, wanted)) in zip(metrics, steps).enumerated() {
        for (key, value) in wanted.object?.members ?? [] {
          guard let value = value.double, !ignored.contains(key) else { continue }
          let own = try #require(found[key]?.double, "step \(index + 1) has no \(key)")
          // Losses of advantages are sums of terms near 1 that leave next to nothing, with the rounding of the terms.
          let error = ["loss", "grad_norm"].contains(key) ? max(1e-2, abs(value)) : max(1, abs(value))
          #expect(abs(own - value) <= 1e-4 * error, "step \(index + 1), \(key): \(own), not \(value)")
        }
      }
    }
  }

  var values: [Value] { json["values"]?.array?.map(Value.init) ?? [] }
  var runs: [Run] { json["runs"]?.array?.map(Run.init) ?? [] }

  /// All of a file; none when it cannot be read, which ``init(_:)`` says elsewhere.
  static func values(_ name: String) -> [Value] { (try? StageFixture(name))?.values ?? [] }
  static func runs(_ name: String) -> [Run] { (try? StageFixture(name))?.runs ?? [] }
}
