import PreciseJSON

/// What of the base is trained beside an adapter and saved with it.
package struct BaseTraining: Sendable, Hashable {
  /// Which biases are trained.
  package enum Biases: String, Sendable, Hashable, CaseIterable {
    case none
    case all
    /// Those of the maps that the adapter stands beside.
    case adapted
  }

  /// Modules that are trained whole: the ends of their names (`modules_to_save` of PEFT).
  package var modules: [String]
  package var biases: Biases
  /// Rows of the embedding that are trained while the others stay: ids of tokens (`trainable_token_indices` of PEFT).
  package var tokens: [Int]

  package init(modules: [String] = [], biases: Biases = .none, tokens: [Int] = []) {
    self.modules = modules
    self.biases = biases
    self.tokens = tokens
  }

  package static let none = BaseTraining()

  /// Whether a module, or one that it is in, is trained whole.
  package func trains(module: String) -> Bool {
    guard !modules.isEmpty else { return false }
    let parts = module.split(separator: ".")
    return parts.indices.contains { last in
      let name = parts[...last].joined(separator: ".")
      return modules.contains { name.hasSuffix($0) }
    }
  }
}

/// A tensor of the base that is trained beside an adapter.
package struct TrainedTensor: Sendable, Hashable {
  /// PEFT's name.
  package var name: String
  /// Hugging Face's.
  package var base: String
  package var shape: [Int]
}

extension BaseTraining {
  /// What `anneal inspect` tells.
  package var facts: [(key: String, value: JSON)] {
    var facts: [(key: String, value: JSON)] = []
    if !modules.isEmpty { facts.append(("trained_modules", .array(modules.map { JSON($0) }))) }
    if !tokens.isEmpty { facts.append(("trained_tokens", .array(tokens.map { JSON($0) }))) }
    if biases != .none { facts.append(("biases", JSON(biases.rawValue))) }
    return facts
  }
}
