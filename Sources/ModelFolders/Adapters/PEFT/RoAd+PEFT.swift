import LanguageModels
import PreciseJSON

extension RoAd: PEFTMethod {
  static let peftType = "ROAD"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = ["group_size", "init_weights", "variant"]

  init(_ options: inout PEFTOptions) {
    let name = options.value("variant")?.string ?? Variant.pair.rawValue
    options.require("variant", Variant.allCases.map(\.rawValue).joined(separator: ", ")) {
      $0.string.flatMap(Variant.init) != nil
    }
    self.init(variant: Variant(rawValue: name) ?? .pair, groupSize: options.count("group_size", default: 64))
  }

  var options: [(key: String, value: JSON)] {
    [("group_size", JSON(groupSize)), ("init_weights", true), ("variant", JSON(variant.rawValue))]
  }
}
