import LanguageModels
import Tensors
import TokenShards

/// The most memory that tensors take in a step of training, in bytes, counted by the training itself with nothing computed.
///
/// See ``Tensors/MemoryCount``. What is left out is what threads take for a tile of attention or of a product: a megabyte or
/// two each, whatever the model.
package struct StepMemory: Sendable, Hashable {
  /// The weights, as floats and as packed for the matrix library, and what else lasts from step to step.
  package let model: Int
  /// The gradients of what is trained and what the optimizer keeps of them.
  package let optimizer: Int
  /// What comes on top at the busiest moment: what is kept of a forward pass, and what is being worked on.
  package let activations: Int

  package var peak: Int { model + optimizer + activations }

  /// What a step takes with each of several settings of what is recomputed.
  ///
  /// Cost: the bookkeeping of a step for each and one more, some milliseconds, and no memory of tensors.
  /// - Parameters:
  ///   - weights: What the files store matrices in, where the plan leaves them so.
  ///   - plan: In which form the frozen weights are held.
  ///   - adapter: What is trained; weights of the model when nil.
  ///   - trains: Which of those, by Hugging Face's names.
  ///   - settings: How it is trained: with which optimizer, and what is kept beside its states.
  ///   - stage: What is learned.
  ///   - rows: The rows of a step; their ids do not matter.
  ///   - threads: Those that compute: each has a tile of rows of its own.
  /// - Throws: What ``TrainingLoop`` throws for such a model and such rows.
  package static func counted(
    _ configuration: ModelConfiguration, _ computeClass: ComputeClass, weights: WeightShapes = WeightShapes(),
    plan: PrecisionPlan = PrecisionPlan(), adapter: AdapterConfiguration?,
    trains: @escaping (String) -> Bool = { _ in true },
    settings: TrainingSettings = TrainingSettings(length: .steps(1), batchSize: 1, learningRate: 1),
    stage: some TrainingStage, rows: [TokenRow], longest: Int? = nil, tokenBudget: Int = TrainingSettings.tokenBudget,
    recomputations: [Recomputation], threads: Int = ThreadPool.availableProcessors
  ) throws -> [StepMemory] {
    try MemoryCount.run { count in
      let model = try LanguageModel(
        configuration, weights: weights, compute: Compute(threads: threads, computeClass: computeClass), plan: plan,
        longestSequence: longest ?? rows.flatMap(\.sequences).map(\.ids.count).max() ?? 1, beside: adapter,
        trains: { adapter == nil && trains($0) })
      if let adapter { try model.attach(adapter, from: WeightShapes()) }
      let before = count.liveBytes
      // Weights that the first step packs for its backward pass are there in the forward pass of those after it.
      var settings = settings
      (settings.length, settings.maxSeconds) = (.steps(1 + recomputations.count), nil)
      (settings.batchSize, settings.batchTokens, settings.shuffle) = (rows.count, nil, false)
      settings.tokenBudget = tokenBudget
      let loop = try TrainingLoop(model: model, stage: stage, rows: TrainingRows(rows), settings: settings)
      let moments = count.liveBytes - before
      let reading = count.peakBytes
      var peaks: [Int] = []
      loop.onEvent = { event in
        guard case .progressed(let progress) = event else { return }
        if progress.step > 1 { peaks.append(max(reading, count.peakBytes)) }
        if peaks.count < recomputations.count { model.recomputation = recomputations[peaks.count] }
        count.resetPeak()
      }
      _ = try loop.run()
      let weights = count.liveBytes - moments
      let trained = model.trainableParameters.reduce(0) { $0 + Tensor.memory($1.value.shape) }
      return peaks.map { peak in
        // An optimizer that trains in turns has the gradients of a part at a time.
        let optimizer = min(moments + trained, max(0, peak - weights))
        return StepMemory(model: weights, optimizer: optimizer, activations: max(0, peak - weights - optimizer))
      }
    }
  }

  /// What a model takes that computes and learns nothing, in bytes; zero for one that cannot be.
  package static func ofModel(
    _ configuration: ModelConfiguration, _ computeClass: ComputeClass, weights: WeightShapes = WeightShapes(),
    plan: PrecisionPlan = PrecisionPlan(), adapter: AdapterConfiguration?,
    threads: Int = ThreadPool.availableProcessors
  ) -> Int {
    MemoryCount.run { count in
      let model = try? LanguageModel(
        configuration, weights: weights, compute: Compute(threads: threads, computeClass: computeClass), plan: plan,
        longestSequence: 1, beside: adapter)
      if let adapter { try? model?.attach(adapter, from: WeightShapes()) }
      return withExtendedLifetime(model) { count.liveBytes }
    }
  }
}
