import Tensors

/// The gated feed-forward part of a block: down(silu(gate(x)) · up(x)) (SwiGLU, arXiv:2002.05202).
package struct FeedForwardConfiguration: Sendable, Hashable {
  package var gate: LinearConfiguration
  package var up: LinearConfiguration
  package var down: LinearConfiguration

  package init(gate: LinearConfiguration, up: LinearConfiguration, down: LinearConfiguration) {
    self.gate = gate
    self.up = up
    self.down = down
  }

  /// F.
  package var size: Int { down.inputs }

  package var maps: [LinearConfiguration] { [gate, up, down] }
}

/// A feed-forward part with its weights.
package struct FeedForward {
  package let configuration: FeedForwardConfiguration
  var gate: Linear
  var up: Linear
  var down: Linear

  init(_ configuration: FeedForwardConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    gate = try Linear(configuration.gate, layer: layer, loader)
    up = try Linear(configuration.up, layer: layer, loader)
    down = try Linear(configuration.down, layer: layer, loader)
  }

  /// What the last map reads: [T, F].
  func inner(_ tape: Tape, _ x: Variable) -> Variable {
    let parts = tape.project(x, gate, up)
    return tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
  }

  var maps: [Linear] { [gate, up, down] }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    try update(&gate)
    try update(&up)
    try update(&down)
  }
}
