import LanguageModels
import PreciseJSON

extension IA3: PEFTMethod {
  static let peftType = "IA3"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = ["fan_in_fan_out", "feedforward_modules", "init_ia3_weights"]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("fan_in_fan_out")
    self.init(feedForward: options.modules("feedforward_modules") ?? .list([]))
  }

  var options: [(key: String, value: JSON)] {
    [("fan_in_fan_out", false), ("feedforward_modules", feedForward.json), ("init_ia3_weights", true)]
  }
}
