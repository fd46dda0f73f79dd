import LanguageModels
import PreciseJSON

extension HRA: PEFTMethod {
  static let peftType = "HRA"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = ["apply_GS", "init_weights", "r"]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("apply_GS")
    self.init(rank: options.count("r", default: 8))
  }

  var options: [(key: String, value: JSON)] {
    [("apply_GS", false), ("bias", "none"), ("init_weights", true), ("r", JSON(rank))]
  }
}
