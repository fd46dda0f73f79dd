import LanguageModels
import ModelFolders
import TestKit

extension Benchmark {
  /// What a training takes once it runs, with LoRA of rank 8 on all seven maps as the quickstart has it.
  static let trainAdapter = Benchmark("train-lora", "an optimizer step of LoRA, rank 8") { bench in
    try trainSteps(bench, adapter: AdapterConfiguration(rank: 8))
  }

  /// The same with all weights trained.
  static let trainWeights = Benchmark("train-full", "an optimizer step of all weights") { bench in
    try trainSteps(bench, adapter: nil)
  }

  private static func trainSteps(_ bench: Bench, adapter: AdapterConfiguration?) throws {
    let folder = try ModelFolder.open(bench.modelPath())
    for (name, compute) in try Bench.computes() {
      try bench.trainSteps(name, adapter: adapter) {
        try folder.languageModel(compute: compute) { _ in adapter == nil }
      }
    }
  }
}
