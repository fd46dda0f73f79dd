import LanguageModels
import ModelFolders
import Pipeline

/// The adapter that the fields describe.
extension AdapterFields {
  /// The adapter that the fields describe, where it is not read from files.
  ///
  /// - Parameters:
  ///   - model: What the adapter is for; nil as long as it is not known, when any name may be a target.
  ///   - newBlocks: The numbers of the blocks that were inserted into it.
  func fresh(for model: ModelConfiguration?, newBlocks: [Int]) throws(AdapterError) -> AdapterConfiguration {
    guard let type = AdapterMethods.named(method.rawValue) else { throw .noTargets }
    guard type.standsBesideMaps else {
      return AdapterConfiguration(AdapterSelection(.allLinear), try type.init(options()))
    }
    var selection = AdapterSelection(.list([]))
    if let targetPattern {
      selection.targets = .pattern(targetPattern)
    } else {
      selection.targets = .list(try model?.targets(named: targets) ?? Set(targets))
    }
    if !exclude.isEmpty { selection.excluded = .list(Set(exclude)) }
    selection.layers = inNewBlocks ? newBlocks : layers
    let biases: BaseTraining.Biases =
      switch self.biases {
      case .none: .none
      case .all: .all
      case .adapted: .adapted
      }
    var adapter = AdapterConfiguration(
      selection, try type.init(options()), base: BaseTraining(modules: trainedModules, biases: biases, tokens: tokens))
    if let model {
      adapter.selection.targets = selection.targets.narrowed(to: model.adaptedMaps(adapter).map(\.module))
    }
    return adapter
  }

  /// How many learned tokens a fresh adapter puts before every text.
  var freshTokens: Int { (try? fresh(for: nil, newBlocks: []))?.method.virtualTokens ?? 0 }

  /// The adapter that comes out; nil when fields or files are wrong.
  func configuration(
    _ sources: NodeSources, for model: ModelConfiguration, newBlocks: [Int]
  ) -> AdapterConfiguration? {
    from == nil
      ? try? fresh(for: model, newBlocks: newBlocks) : try? AdapterFolder(sources.fileSet).configuration
  }

  /// How the method starts, where it is LoRA.
  var start: LoRA.Start? { LoRA.Start(rawValue: startName) }

  private func options() throws(AdapterError) -> AdapterOptions {
    var options = AdapterOptions()
    options.rank = rank
    options.blockSize = blockSize
    options.factor = factor
    options.targetRank = targetRank
    options.budget = budget
    options.layers = butterfly
    options.virtualTokens = virtualTokens
    options.encoder = .init(rawValue: encoder.rawValue)
    options.encoderSize = encoderSize
    options.encoderLayers = encoderLayers
    options.projection = projection
    options.feedForward = feedForward
    options.alpha = alpha.map { Float($0) }
    options.dropout = Float(dropout)
    options.rslora = rslora
    options.dora = dora
    options.start = startName
    options.rankPattern = try patterns(rankPattern, "rank_pattern") { Int($0) }
    options.alphaPattern = try patterns(alphaPattern, "alpha_pattern") { Float($0) }
    return options
  }

  private func patterns<Value>(
    _ texts: [String], _ field: String, _ number: (Substring) -> Value?
  ) throws(AdapterError) -> [ModulePattern<Value>] {
    var patterns: [ModulePattern<Value>] = []
    for text in texts {
      guard let last = text.lastIndex(of: "="), let value = number(text[text.index(after: last)...]) else {
        throw .option(field, wanted: "a list of entries such as `q_proj=16`", found: "`\(text)`")
      }
      patterns.append(ModulePattern(String(text[..<last]), value))
    }
    return patterns
  }

  /// The field that an error speaks of.
  func field(of error: AdapterError) -> String {
    switch error {
    case .alpha: "alpha"
    case .dropout: "dropout"
    case .rank, .oddRank, .rankAbove: "rank"
    case .unknownStart, .nothingFound: "init"
    case .pattern(let text) where text == targetPattern: "target_pattern"
    case .pattern: "rank_pattern"
    case .layer: "layers"
    case .unknownModule, .untrainableModule: "train_modules"
    case .option(let name, _, _), .indivisible(let name, _, _, _):
      Self.fields.contains { $0.name == name } ? name : "method"
    case .nothingMatches where targetPattern != nil: "target_pattern"
    default: "targets"
    }
  }
}
