import LanguageModels
import PreciseJSON

extension MiSS: PEFTMethod {
  static let peftType = "MISS"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = ["init_weights", "mini_r", "miss_dropout", "r"]

  init(_ options: inout PEFTOptions) {
    // `bat` and `mini` are other computations.
    options.require("init_weights", "true or false") { $0.bool != nil }
    self.init(rank: options.count("r", default: 64), dropout: options.probability("miss_dropout"))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("bias", "none"), ("init_weights", true), ("miss_dropout", .number(JSONNumber(text: "\(dropout)"))),
      ("r", JSON(rank)),
    ]
  }
}
