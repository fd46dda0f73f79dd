import LanguageModels
import PreciseJSON

extension C3A: PEFTMethod {
  static let peftType = "C3A"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = ["block_size", "block_size_pattern", "init_weights"]

  init(_ options: inout PEFTOptions) {
    options.requireNothing("block_size_pattern")
    self.init(blockSize: options.count("block_size", default: 256))
  }

  var options: [(key: String, value: JSON)] {
    [("bias", "none"), ("block_size", JSON(blockSize)), ("init_weights", true)]
  }
}
