import LanguageModels
import Tensors
import TestKit
import TokenShards
import Training

extension Bench {
  /// Trains a model for a few optimizer steps of eight rows in the loop that `train` runs.
  ///
  /// Records the tokens of all rows a second, those that rows share counted every time, and the most memory that the
  /// process held, loading included. The first step, which packs matrices and touches fresh memory, is not counted.
  func trainSteps(_ name: String, steps: Int = 3, adapter: AdapterConfiguration?, _ load: () throws -> LanguageModel)
    throws
  {
    try PeakMemory.restart()
    let model = try load()
    if let adapter { try model.attach(adapter, from: PatternedWeights()) }
    let rows = Self.rows(count: 8 * (steps + 1), vocabulary: model.configuration.vocabularySize)
    let rates = try rates(model, rows, batchSize: 8)
    record("\(name) speed", unit: "tokens/s", values: Array(rates.dropFirst()), isRate: true)
    if let bytes = PeakMemory.bytes { record("\(name) memory", unit: "MiB", values: [Double(bytes >> 20)]) }
  }

  /// The tokens a second of each step of one pass over rows.
  func rates(_ model: LanguageModel, _ rows: [TokenRow], batchSize: Int) throws -> [Double] {
    let settings = TrainingSettings(length: .epochs(1), batchSize: batchSize, learningRate: 1e-4, shuffle: false)
    let loop = try TrainingLoop(model: model, stage: SupervisedStage(), rows: TrainingRows(rows), settings: settings)
    var rates: [Double] = []
    loop.onEvent = { event in
      if case .progressed(let progress) = event { rates.append(progress.tokensPerSecond) }
    }
    _ = try loop.run()
    return rates
  }

  /// Rows of about 200 random tokens: 24 of a system text that all begin with, then a question, and an answer of half
  /// the rest to learn.
  private static func rows(count: Int, vocabulary: Int) -> [TokenRow] {
    var random = SeededGenerator(seed: 1)
    func ids(_ count: Int) -> [Int32] { (0..<count).map { _ in .random(in: 0..<Int32(vocabulary), using: &random) } }
    let system = ids(24)
    return (0..<count).map { _ in
      let half = Int.random(in: 68...108, using: &random)
      let sequence = TokenSequence(
        ids: system + ids(2 * half),
        lossMask: [Bool](repeating: false, count: system.count + half) + [Bool](repeating: true, count: half))
      return TokenRow([sequence])
    }
  }

  /// The classes of arithmetic of the processor with all its cores, and the fastest one on a single core, as names and
  /// what to compute with.
  static func computes() throws -> [(name: String, compute: Compute)] {
    let kernels = try KernelSet.chosenByEnvironment()
    let cores = ThreadPool.availableProcessors
    var cases = ComputeClass.available(kernels).map { ($0, cores) }
    if cores > 1 { cases.append((ComputeClass.best(kernels), 1)) }
    return cases.map { computeClass, threads in
      (
        "\(computeClass.rawValue), \(threads) thread\(threads == 1 ? "" : "s"),",
        Compute(pool: ThreadPool(threads: threads), kernels: kernels, computeClass: computeClass)
      )
    }
  }
}
