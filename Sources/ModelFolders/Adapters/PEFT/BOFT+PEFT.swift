import LanguageModels
import PreciseJSON

extension BOFT: PEFTMethod {
  static let peftType = "BOFT"
  static let ownBiases: String? = "boft_only"
  static let knownOptions: Set<String> = [
    "boft_block_num", "boft_block_size", "boft_dropout", "boft_n_butterfly_factor", "fan_in_fan_out", "init_weights",
  ]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("fan_in_fan_out")
    options.requireZero("boft_dropout")
    let size = options.count("boft_block_size", default: 4, from: 0)
    let blocks = options.count("boft_block_num", default: 0, from: 0)
    self.init(blockSize: size, blocks: blocks, layers: options.count("boft_n_butterfly_factor", default: 1))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("bias", "none"), ("boft_block_num", JSON(blocks)), ("boft_block_size", JSON(blockSize)), ("boft_dropout", 0.0),
      ("boft_n_butterfly_factor", JSON(layers)), ("fan_in_fan_out", false), ("init_weights", true),
    ]
  }
}
