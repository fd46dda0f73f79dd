import Tensors

extension Activation {
  /// What transformers calls it, the usual name first.
  var names: [String] {
    switch self {
    case .silu: ["silu", "swish"]
    case .geluTanh: ["gelu_new", "gelu_pytorch_tanh", "gelu_fast"]
    case .gelu: ["gelu", "gelu_python"]
    case .relu: ["relu"]
    case .reluSquared: ["relu2"]
    }
  }
}

extension ConfigurationReader {
  /// The function between the maps of a feed-forward part, for families whose files choose it.
  mutating func activation(_ key: String, default fallback: Activation) -> Activation {
    guard let name = string(key) else { return fallback }
    if let found = Activation.allCases.first(where: { $0.names.contains(name) }) { return found }
    report(.unsupported(key: key, found: name, supported: Activation.allCases.map { $0.names[0] }))
    return fallback
  }
}
