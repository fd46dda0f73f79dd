import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// The classes of this processor, or of the one that ANNEAL_CPU asks for, that round.
private let classes = ((try? ComputeClass.available(.chosenByEnvironment())) ?? []).filter { $0 != .f32 }

/// Training in the classes that round what they multiply.
///
/// A bf16 operand is off by at most 2⁻⁹ = 0.2 %, in either direction, and a loss is a mean over thousands of such
/// products: it stays within half a percent of the f32 loss at every step, which is far less than seeds differ by. A byte
/// is off by three times as much on average; the few rows of a step here let it show. A 16-bit whole number is off by a
/// tenth as much.
@Suite(
  "The classes that round learn what f32 learns",
  .enabled(
    if: !classes.isEmpty, "the processor, or the one that ANNEAL_CPU asks for, computes in 32-bit floats alone"))
struct RoundingClassTests {
  static func tolerance(_ computeClass: ComputeClass) -> Double {
    switch computeClass {
    case .f32: 0
    case .int16: 5e-4
    case .bf16: 5e-3
    case .int8: 15e-3
    }
  }

  private static let smollm2 = realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf")

  private func losses(_ metrics: [JSON]) -> [Double] { metrics.compactMap { $0["loss"]?.double } }

  private func train(threads: Int, _ computeClass: ComputeClass) throws -> (metrics: [JSON], values: [String: [Float]])
  {
    let tiny = try TinyLlama("gqa")
    let compute = try Compute(threads: threads, computeClass: computeClass)
    let model = try LanguageModel(tiny.configuration, weights: tiny.weights, compute: compute)
    try model.attach(
      AdapterConfiguration(rank: 4), from: StoredWeights(fixture("Training/adapter/adapter_model.safetensors")))
    let reference = try readJSON(fixture("Training/adapter.json"))
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings(of: reference))
    return (timeless(try loop.run().metrics), trainedValues(model))
  }

  @Test(arguments: classes.filter { $0 != .int8 }) func tinyModel(_ computeClass: ComputeClass) throws {
    let rounded = losses(try train(threads: 1, computeClass).metrics)
    let plain = losses(try train(threads: 1, .f32).metrics)
    #expect(rounded.count == 10 && rounded != plain)
    for (a, b) in zip(rounded, plain) { #expect(relativeError(a, b) < Self.tolerance(computeClass)) }
  }

  @Test(arguments: classes) func everyNumberOfThreadsGivesTheSameBits(_ computeClass: ComputeClass) throws {
    let expected = try train(threads: 1, computeClass)
    for threads in 2...4 {
      let found = try train(threads: threads, computeClass)
      #expect(found.metrics == expected.metrics && found.values == expected.values, "\(threads) threads")
    }
  }

  @Test(
    .enabled(if: smollm2 != nil, "needs ANNEAL_ASSETS with models/SmolLM2-135M-Instruct.Q4_1.gguf"),
    arguments: classes)
  func smolLM2(_ computeClass: ComputeClass) throws {
    let source = try StoredGGUF(#require(Self.smollm2))
    let compute = try Compute(threads: 2, computeClass: computeClass)
    let model = try LanguageModel(source.configuration, weights: source, compute: compute)
    try model.attach(AdapterConfiguration(rank: 8), from: PatternedWeights())
    let reference = try readJSON(fixture("Training/smollm2.json"))
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(tokenRows(reference["rows"])),
      settings: settings(of: reference))
    let found = losses(try loop.run().metrics)
    let expected = losses(try #require(reference["steps"]?.array))
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(relativeError(a, b) < Self.tolerance(computeClass)) }
  }

  @Test("logits by the cache are those of a whole pass", arguments: classes.filter { $0 != .int8 })
  func decoding(_ computeClass: ComputeClass) throws {
    let tiny = try TinyLlama("gqa")
    let compute = try Compute(threads: 2, computeClass: computeClass)
    let model = try LanguageModel(tiny.configuration, weights: tiny.weights, compute: compute)
    let ids = try #require(tiny.sequences().first { $0.ids.count > 4 }).ids
    let cache = model.keyValueCache(capacity: ids.count)
    _ = try model.nextLogits(Array(ids.dropLast(2)), cache: cache)
    _ = try model.nextLogits([ids[ids.count - 2]], cache: cache)
    let last = try model.nextLogits([ids[ids.count - 1]], cache: cache).values
    let whole = try model.logits(
      ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: [Int32(ids.count - 1)]
    ).values
    let scale = whole.map { abs($0) }.max() ?? 0
    for (a, b) in zip(last, whole) { #expect(abs(a - b) < scale * 1e-2) }
  }
}
