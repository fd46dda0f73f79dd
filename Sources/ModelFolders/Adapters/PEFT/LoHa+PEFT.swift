import LanguageModels
import PreciseJSON

extension LoHa: PEFTMethod {
  static let peftType = "LOHA"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "alpha", "alpha_pattern", "init_weights", "module_dropout", "r", "rank_dropout", "rank_pattern",
    "use_effective_conv2d",
  ]

  init(_ options: inout PEFTOptions) {
    // Of convolutions alone: `use_effective_conv2d`.
    options.requireZero("rank_dropout", "module_dropout")
    self.init(
      rank: options.count("r", default: 8), alpha: options.float("alpha", default: 8),
      rankPattern: options.ranks("rank_pattern"), alphaPattern: options.alphas("alpha_pattern"))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("alpha", JSON(peft: alpha)), ("init_weights", true), ("module_dropout", 0.0), ("r", JSON(rank)),
      ("rank_dropout", 0.0), ("use_effective_conv2d", false),
    ] + PEFTOptions.patterns(rankPattern, alphaPattern)
  }
}
