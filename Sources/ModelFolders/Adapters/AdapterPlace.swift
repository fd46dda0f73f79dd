import LanguageModels

/// Where a tensor of an adapter belongs, by PEFT's name.
struct AdapterPlace {
  /// Hugging Face's name of the linear map.
  let module: String
  let layer: Int
  /// The map's short name.
  let map: String
  /// What stands after the map's name.
  let suffix: String

  /// Nil for a name that is not `base_model.model.….<layer>.….<suffix>`.
  ///
  /// - Parameter suffixes: Those of the method.
  init?(_ name: String, _ suffixes: [String]) {
    guard let module = Self.module(of: name, suffixes), let suffix = suffixes.first(where: { name.hasSuffix("." + $0) })
    else { return nil }
    self.module = module
    let parts = module.split(separator: ".")
    // Names from torch.compile say so.
    guard !parts.contains("_orig_mod"), let layer = parts.firstIndex(where: { Int($0) != nil }),
      layer + 1 < parts.count, let number = Int(parts[layer]), number >= 0, number < 1 << 20, let last = parts.last
    else { return nil }
    (self.layer, map, self.suffix) = (number, String(last), suffix)
  }

  /// The module that a tensor stands beside, whatever it is called.
  static func module(of name: String, _ suffixes: [String]) -> String? {
    guard name.hasPrefix(AdaptedMap.prefix), let suffix = suffixes.first(where: { name.hasSuffix("." + $0) }) else {
      return nil
    }
    return String(name.dropFirst(AdaptedMap.prefix.count).dropLast(suffix.count + 1))
  }

  /// The name of a tensor of the same map in another block.
  func name(_ suffix: String, layer other: Int) -> String {
    let parts = module.split(separator: ".").map { $0 == "\(layer)" ? "\(other)" : String($0) }
    return AdaptedMap(module: parts.joined(separator: "."), inputs: 0, outputs: 0).name(of: suffix)
  }
}
