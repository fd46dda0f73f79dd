import Tensors

/// The feed-forward part of a block, as data.
package struct FeedForwardConfiguration: Sendable, Hashable {
  /// What comes before the last map.
  package enum Input: Sendable, Hashable {
    /// f(gate(x)) · up(x) (arXiv:2002.05202).
    case gated(gate: LinearConfiguration, up: LinearConfiguration, GatedActivation)
    /// The same with one map whose first half is the gate.
    case fused(LinearConfiguration, GatedActivation)
    /// f(up(x)).
    case plain(LinearConfiguration, Activation)
  }

  package var input: Input
  package var down: LinearConfiguration

  package init(_ input: Input, down: LinearConfiguration) {
    self.input = input
    self.down = down
  }

  /// The function between two maps; nil where a gate decides.
  package var activation: Activation? {
    if case .plain(_, let function) = input { function } else { nil }
  }

  /// F.
  package var size: Int { down.inputs }

  package var maps: [LinearConfiguration] {
    switch input {
    case .gated(let gate, let up, _): [gate, up, down]
    case .fused(let map, _), .plain(let map, _): [map, down]
    }
  }
}

/// A feed-forward part with its weights.
package struct FeedForward {
  package let configuration: FeedForwardConfiguration
  /// One or two, as the configuration says.
  private var inputs: [Linear]
  private(set) var down: Linear

  init(_ configuration: FeedForwardConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    inputs = try configuration.maps.dropLast().map { try Linear($0, layer: layer, loader) }
    down = try Linear(configuration.down, layer: layer, loader)
  }

  /// What the last map reads: [T, F].
  func inner(_ tape: Tape, _ x: Variable) -> Variable {
    let parts = tape.project(x, inputs)
    return switch configuration.input {
    case .gated(_, _, let function): tape.gatedActivation(gate: parts[0], up: parts[1], function)
    case .fused(_, let function): tape.gatedActivation(fused: parts[0], function)
    case .plain(_, let function): tape.activation(parts[0], function)
    }
  }

  var maps: [Linear] { inputs + [down] }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    for index in inputs.indices { try update(&inputs[index]) }
    try update(&down)
  }
}
