import LanguageModels
import PreciseJSON

extension LoKr: PEFTMethod {
  static let peftType = "LOKR"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "alpha", "alpha_pattern", "decompose_both", "decompose_factor", "init_weights", "module_dropout", "r",
    "rank_dropout", "rank_dropout_scale", "rank_pattern", "use_effective_conv2d",
  ]

  init(_ options: inout PEFTOptions) {
    // Of convolutions alone: `use_effective_conv2d`; without a dropout of ranks its scale decides nothing.
    options.requireZero("rank_dropout", "module_dropout")
    options.require("init_weights", "true, false, lycoris") { $0.bool != nil || $0.string == "lycoris" }
    let factor = options.number("decompose_factor", default: -1)
    if factor != -1, factor != factor.rounded() || !(1...65_536).contains(factor) {
      options.report(.wrongValue(key: "decompose_factor", wanted: "-1 or a whole number from 1 to 65536"))
    }
    self.init(
      rank: options.count("r", default: 8), alpha: options.float("alpha", default: 8),
      factor: (1...65_536).contains(factor) ? Int(factor) : -1, decomposesBoth: options.flag("decompose_both"),
      start: options.value("init_weights")?.string == "lycoris" ? .lycoris : .standard,
      rankPattern: options.ranks("rank_pattern"), alphaPattern: options.alphas("alpha_pattern"))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("alpha", JSON(peft: alpha)), ("decompose_both", JSON(decomposesBoth)), ("decompose_factor", JSON(factor)),
      ("init_weights", start == .lycoris ? "lycoris" : true), ("module_dropout", 0.0), ("r", JSON(rank)),
      ("rank_dropout", 0.0), ("rank_dropout_scale", false), ("use_effective_conv2d", false),
    ] + PEFTOptions.patterns(rankPattern, alphaPattern)
  }
}
