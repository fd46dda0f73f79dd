import Tensors

/// Causal self-attention with rotary positions and grouped heads (arXiv:2305.13245).
package struct AttentionConfiguration: Sendable, Hashable {
  /// H, a multiple of K.
  package var heads: Int
  /// K.
  package var keyValueHeads: Int
  /// D, even.
  package var headDimension: Int
  package var query: LinearConfiguration
  package var key: LinearConfiguration
  package var value: LinearConfiguration
  package var output: LinearConfiguration

  package init(
    heads: Int, keyValueHeads: Int, headDimension: Int, query: LinearConfiguration, key: LinearConfiguration,
    value: LinearConfiguration, output: LinearConfiguration
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.query = query
    self.key = key
    self.value = value
    self.output = output
  }

  /// What q·k is multiplied by.
  var scale: Float { 1 / Float(headDimension).squareRoot() }

  package var maps: [LinearConfiguration] { [query, key, value, output] }
}

/// Attention with its weights.
package struct Attention {
  package let configuration: AttentionConfiguration
  var query: Linear
  var key: Linear
  var value: Linear
  var output: Linear

  init(_ configuration: AttentionConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    query = try Linear(configuration.query, layer: layer, loader)
    key = try Linear(configuration.key, layer: layer, loader)
    value = try Linear(configuration.value, layer: layer, loader)
    output = try Linear(configuration.output, layer: layer, loader)
  }

  /// What the heads gather, before the output map: [T, H·D].
  func mixed(
    _ tape: Tape, _ x: Variable, layer: Int, rotary: RotaryTable, _ context: AttentionContext
  ) throws -> Variable {
    let parts = tape.project(x, query, key, value)
    switch context {
    case .packed(let layout):
      return try tape.attention(
        q: parts[0], k: parts[1], v: parts[2], layout: layout, heads: configuration.heads,
        keyValueHeads: configuration.keyValueHeads, headDimension: configuration.headDimension, rotary: rotary,
        scale: configuration.scale)
    case .cached(let cache):
      return try tape.attention(
        q: parts[0], k: parts[1], v: parts[2], cache: cache, layer: layer, heads: configuration.heads, rotary: rotary,
        scale: configuration.scale)
    }
  }

  var maps: [Linear] { [query, key, value, output] }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    try update(&query)
    try update(&key)
    try update(&value)
    try update(&output)
  }
}
