import LanguageModels
import PreciseJSON

extension OFT: PEFTMethod {
  static let peftType = "OFT"
  static let ownBiases: String? = "oft_only"
  static let knownOptions: Set<String> = [
    "block_share", "coft", "eps", "fan_in_fan_out", "init_weights", "module_dropout", "num_cayley_neumann_terms",
    "oft_block_size", "r", "use_cayley_neumann",
  ]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("coft", "fan_in_fan_out")
    options.requireZero("module_dropout")
    let usesSeries = options.flag("use_cayley_neumann", default: true)
    let terms = options.count("num_cayley_neumann_terms", default: 5)
    let size = options.count("oft_block_size", default: 32, from: 0)
    let blocks = options.count("r", default: 0, from: 0)
    if (size == 0) == (blocks == 0) {
      options.report(.wrongValue(key: "r", wanted: "0 where `oft_block_size` is given, and given where that is 0"))
    }
    self.init(
      blockSize: size, blocks: blocks, sharesBlock: options.flag("block_share"), terms: usesSeries ? terms : nil)
  }

  var options: [(key: String, value: JSON)] {
    [
      ("bias", "none"), ("block_share", JSON(sharesBlock)), ("coft", false), ("eps", 6e-05), ("fan_in_fan_out", false),
      ("init_weights", true), ("module_dropout", 0.0), ("num_cayley_neumann_terms", JSON(terms ?? 5)),
      ("oft_block_size", JSON(blockSize)), ("r", JSON(blocks)), ("use_cayley_neumann", JSON(terms != nil)),
    ]
  }
}
