import LanguageModels
import PreciseJSON

extension VeRA: PEFTMethod {
  static let peftType = "VERA"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "d_initial", "fan_in_fan_out", "init_weights", "projection_prng_key", "r", "save_projection", "vera_dropout",
  ]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("fan_in_fan_out")
    let seed = options.number("projection_prng_key", default: 0)
    if UInt32(exactly: seed) == nil {
      options.report(.wrongValue(key: "projection_prng_key", wanted: "a whole number of 32 bits"))
    }
    self.init(
      rank: options.count("r", default: 256), dropout: options.probability("vera_dropout"),
      initial: options.float("d_initial", default: 0.1), seed: UInt32(exactly: seed) ?? 0,
      savesProjections: options.flag("save_projection", default: true))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("bias", "none"), ("d_initial", .number(JSONNumber(text: "\(initial)"))), ("fan_in_fan_out", false),
      ("init_weights", true), ("projection_prng_key", JSON(Int(seed))), ("r", JSON(rank)),
      ("save_projection", JSON(savesProjections)),
      ("vera_dropout", .number(JSONNumber(text: "\(dropout)"))),
    ]
  }
}
