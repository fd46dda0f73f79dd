/// What may be said of the tensors beside a map; each method takes some of it.
///
/// Nil stands for what a method takes when nothing is said.
package struct AdapterOptions: Sendable, Hashable {
  package enum Name: String, Sendable, Hashable, CaseIterable {
    case rank, alpha, dropout, rslora, dora
    case start = "init"
    case rankPattern = "rank_pattern"
    case alphaPattern = "alpha_pattern"
    case blockSize = "block_size"
    case feedForward = "feedforward"
    case factor
    case layers = "butterfly"
    case virtualTokens = "virtual_tokens"
    case encoder
    case encoderSize = "encoder_size"
    case projection
    /// Ranks that a training takes away.
    case budget
  }

  package var rank: Int?
  package var alpha: Float?
  package var dropout: Float?
  package var rslora: Bool?
  package var dora: Bool?
  package var start: String?
  package var rankPattern: [ModulePattern<Int>]?
  package var alphaPattern: [ModulePattern<Float>]?
  package var blockSize: Int?
  package var feedForward: [String]?
  package var factor: Int?
  package var layers: Int?
  package var virtualTokens: Int?
  package var encoder: PTuning.Encoder.Kind?
  package var encoderSize: Int?
  package var encoderLayers: Int?
  package var projection: Int?
  package var targetRank: Int?
  package var budget: RankBudget.Schedule?

  package init() {}
}

/// A value for the modules whose names end in what a regular expression matches, as `rank_pattern` of PEFT.
package struct ModulePattern<Value: Sendable & Hashable>: Sendable, Hashable {
  package var pattern: String
  package var value: Value

  package init(_ pattern: String, _ value: Value) {
    self.pattern = pattern
    self.value = value
  }

  fileprivate func matches(_ module: String) -> Bool {
    // A name is compared letter by letter: hundreds of whole names stand for hundreds of maps, and making a regular
    // expression takes a while. Its dots match any letter.
    guard pattern.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || isAlphanumeric($0) }) else {
      return ModuleNames.matches("(.*\\.)?(\(pattern))", module)
    }
    let (name, own) = (Array(module.utf8), Array(pattern.utf8))
    guard name.count >= own.count, name.allSatisfy({ $0 < 128 }) else {
      return name.count >= own.count && ModuleNames.matches("(.*\\.)?(\(pattern))", module)
    }
    let start = name.count - own.count
    guard start == 0 || name[start - 1] == UInt8(ascii: ".") else { return false }
    return zip(name[start...], own).allSatisfy { $0 == $1 || $1 == UInt8(ascii: ".") }
  }

  private func isAlphanumeric(_ letter: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(letter)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter | 0x20)
  }
}

extension Array {
  /// The value of the first pattern that matches a module's name from some dot on.
  package func value<Value>(for module: String) -> Value? where Element == ModulePattern<Value> {
    first { $0.matches(module) }?.value
  }
}
