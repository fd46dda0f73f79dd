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
}

extension Array {
  /// The value of the first pattern that matches a module's name from some dot on.
  func value<Value>(for module: String) -> Value? where Element == ModulePattern<Value> {
    first { ModuleNames.matches("(.*\\.)?(\($0.pattern))", module) }?.value
  }
}
