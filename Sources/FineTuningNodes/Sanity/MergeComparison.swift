import Glibc
import LanguageModels
import ModelFolders
import TensorFiles
import Tensors
import Training

/// Computes a few rows with a base, with its adapter beside it, and with the merged model.
///
/// Cost: two models are read, one after the other, and three short forward passes.
package struct MergeComparison {
  private let artefact: ModelArtefact
  private let merged: String
  private let threads: Int

  /// - Parameters:
  ///   - artefact: A model with an adapter.
  ///   - merged: The folder of the merged model.
  package init(artefact: ModelArtefact, merged: String, threads: Int) {
    self.artefact = artefact
    self.merged = merged
    self.threads = threads
  }

  /// - Throws: What reading the models and computing with them throws.
  package func run() throws -> MergedModel {
    let source = try artefact.source()
    let result = try ModelFolder.open(merged)
    let stored = result.storedType
    let computeClass = try arithmetic()
    let adapter = try artefact.adapter()
    let probe = try artefact.probe() ?? Probe(for: source.configuration)
    let formats = artefact.heldWeights == .auto ? [:] : try source.storedFormats
    let needed = try memory(source.configuration, formats, adapter.configuration, computeClass, probe)
    if let free = FreeMemory.bytes, needed > free {
      return MergedModel(.notEnoughMemory(needed: needed), stored: stored, computeClass: computeClass)
    }
    let (base, adapted) = try withTheAdapter(source, adapter, computeClass, probe)
    let model = try artefact.languageModel(
      result, compute: Compute(threads: threads, computeClass: computeClass))
    let merged = try model.logProbabilities(of: probe)
    return MergedModel(
      .measured(
        MergedModel.Numbers(
          tokens: merged.count, base: loss(base), adapted: loss(adapted), merged: loss(merged),
          difference: distance(merged, adapted), effect: distance(adapted, base))),
      stored: stored, computeClass: computeClass)
  }

  /// The most that a model with its adapter takes for it.
  private func memory(
    _ configuration: ModelConfiguration, _ formats: [String: String], _ adapter: AdapterConfiguration,
    _ computeClass: ComputeClass, _ probe: Probe
  ) throws -> Int {
    try MemoryCount.run { count in
      let model = try LanguageModel(
        configuration, weights: WeightShapes(formats: formats),
        compute: Compute(threads: threads, computeClass: computeClass), plan: artefact.heldWeights.plan, beside: adapter
      )
      try model.attach(adapter, from: WeightShapes())
      _ = try model.logProbabilities(of: probe)
      return count.peakBytes
    }
  }

  /// In a function of its own, so that its models are gone before the merged one is read.
  private func withTheAdapter(
    _ source: ModelFolder, _ adapter: AdapterFolder, _ computeClass: ComputeClass, _ probe: Probe
  ) throws -> (base: [Float], adapted: [Float]) {
    func model(beside adapter: AdapterFolder? = nil) throws -> LanguageModel {
      try artefact.languageModel(
        source, compute: Compute(threads: threads, computeClass: computeClass), plan: artefact.heldWeights.plan,
        beside: adapter)
    }
    // Where the adapter trains tensors of the base, the base is read once more with them.
    guard adapter.configuration.base == BaseTraining.none else {
      let base = try model().logProbabilities(of: probe)
      let adapted = try model(beside: adapter)
      try adapter.attach(to: adapted)
      return (base, try adapted.logProbabilities(of: probe))
    }
    let model = try model()
    let base = try model.logProbabilities(of: probe)
    try adapter.attach(to: model)
    return (base, try model.logProbabilities(of: probe))
  }

  /// The model's own arithmetic, but never bytes, whose rounding would hide what is looked for, and f32 where this
  /// processor lacks it.
  private func arithmetic() throws -> ComputeClass {
    let own = artefact.computeClass == .int8 ? .bf16 : artefact.computeClass
    return ComputeClass.available(try KernelSet.chosenByEnvironment()).contains(own) ? own : .f32
  }

  private func loss(_ values: [Float]) -> Double { -values.reduce(0) { $0 + Double($1) } / Double(values.count) }

  /// The root mean square of the differences.
  private func distance(_ some: [Float], _ others: [Float]) -> Double {
    let sum = zip(some, others).reduce(0.0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }
    return (sum / Double(some.count)).squareRoot()
  }
}

extension ModelFolder {
  /// The type of the decoder's matrices.
  fileprivate var storedType: ElementType { ElementType(rawValue: summary.storedType) ?? .float32 }
}

extension LanguageModel {
  /// log p of every token of the probe's sequences but the first ones.
  fileprivate func logProbabilities(of probe: Probe) throws -> [Float] {
    let batch = PackedBatch(
      probe.sequences.map { LabelledSequence(ids: $0, lossMask: [Bool](repeating: true, count: $0.count)) })
    let tape = Tape(compute: compute, records: false)
    let labels = try tape.labelLogProbabilities(
      hiddenStates(tape, batch), head: head, targets: batch.targets)
    return labels.value.values
  }
}
