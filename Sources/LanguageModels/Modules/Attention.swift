import Glibc
import Tensors

/// Attention with its weights.
package struct Attention {
  package let configuration: AttentionConfiguration
  /// One or three, as the configuration projects.
  private var inputs: [Linear]
  private(set) var output: Linear
  private let queryNorm: HeadNorm?
  private let keyNorm: HeadNorm?
  private let latent: LatentNorms?
  private let sinks: Parameter?
  private let rotary: RotaryTable?

  init(_ configuration: AttentionConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    inputs = try configuration.maps.dropLast().map { try Linear($0, layer: layer, loader) }
    output = try Linear(configuration.output, layer: layer, loader)
    if case .separate = configuration.projections {
      for map in inputs.prefix(2) { map.projection.weight.parameter?.headRows = configuration.headDimension }
    }
    func norm(_ norm: HeadNormConfiguration?, _ heads: Int) throws -> HeadNorm? {
      try norm.map {
        try HeadNorm($0, layer: layer, heads: heads, dimension: configuration.headDimension, loader)
      }
    }
    queryNorm = try norm(configuration.queryNorm, configuration.heads)
    keyNorm = try norm(configuration.keyNorm, configuration.keyValueHeads)
    latent =
      if case .latent(let latent) = configuration.projections { try LatentNorms(latent, layer: layer, loader) } else {
        nil
      }
    sinks = try configuration.sinks.map {
      try loader.parameter(TensorRole(.block($0, layer: layer), "", .bias), [configuration.heads])
    }
    rotary = configuration.rotary.map(loader.rotaryTable)
  }

  /// What the heads gather, before the output map: [T, H·D].
  ///
  /// - Parameter prefix: What stands before the layer's own keys and values; neither normed nor turned.
  func mixed(
    _ tape: Tape, _ x: Variable, layer: Int, _ context: AttentionContext, _ prefix: LayerPrefix? = nil
  ) throws -> Variable {
    var shape = AttentionShape(
      heads: configuration.heads, keyValueHeads: configuration.keyValueHeads,
      headDimension: configuration.headDimension, valueDimension: configuration.valueDimension,
      scale: configuration.scale, rotary: rotary,
      window: configuration.window, softCap: configuration.softCap, slopes: configuration.slopes)
    let input: AttentionInput
    switch configuration.projections {
    case .latent:
      guard let latent else { preconditionFailure("Latent attention has its norms") }
      input = latent.input(tape, x, inputs, shape)
    case .fused(_, let order):
      let all = clipped(tape, tape.project(x, inputs[0])[0])
      guard let prefix else {
        input = order.input(all, shape)
        break
      }
      let (queries, keys) = (shape.heads * shape.headDimension, shape.keyValueHeads * shape.headDimension)
      input = AttentionInput(
        q: tape.columns(of: all, 0..<queries),
        k: prefix.replace(tape, tape.columns(of: all, queries..<queries + keys), prefix.keys),
        v: prefix.replace(tape, tape.columns(of: all, queries + keys..<queries + 2 * keys), prefix.values), shape)
    case .separate:
      let parts = tape.project(x, inputs)
      var (q, k) = (parts[0], parts[1])
      if configuration.normsTurned, let rotary {
        let positions = rotary.rows(of: x.rows, in: context)
        q = try tape.rotate(q, rotary, positions: positions, dimension: configuration.headDimension)
        k = try tape.rotate(k, rotary, positions: positions, dimension: configuration.headDimension)
        shape.rotary = nil
      }
      k = clipped(tape, keyNorm?(tape, k) ?? k)
      var v = clipped(tape, parts[2])
      if let prefix {
        (k, v) = (prefix.replace(tape, k, prefix.keys), prefix.replace(tape, v, prefix.values))
      }
      q = clipped(tape, queryNorm?(tape, q) ?? q)
      if let growth = configuration.queryGrowth {
        q = tape.scaleRows(q, by: growth.factors(context.positions(of: x.rows)))
      }
      input = AttentionInput(q: q, k: k, v: v, shape)
    }
    return try tape.attention(input, shape, sinks: sinks, in: context, layer: layer)
  }

  private func clipped(_ tape: Tape, _ x: Variable) -> Variable {
    configuration.clip.map { tape.clamp(x, to: $0) } ?? x
  }

  var maps: [Linear] { inputs + [output] }

  /// Every parameter but those of the maps.
  var parameters: [Parameter] {
    (queryNorm?.parameters ?? []) + (keyNorm?.parameters ?? []) + (latent?.parameters ?? [])
      + [sinks].compactMap { $0 }
  }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    for index in inputs.indices { try update(&inputs[index]) }
    try update(&output)
  }
}

extension AttentionConfiguration.QueryGrowth {
  fileprivate func factors(_ positions: [Int32]) -> [Float] {
    positions.map { 1 + rate * logf(1 + Float(Int($0) / length)) }
  }
}

extension AttentionConfiguration.FusedHeads {
  /// Where queries, keys and values stand in what a fused map makes.
  fileprivate func input(_ x: Variable, _ shape: AttentionShape) -> AttentionInput {
    let (group, dimension) = (shape.group, shape.headDimension)
    switch self {
    case .consecutive:
      let (queries, keys) = (shape.heads * dimension, shape.keyValueHeads * dimension)
      return AttentionInput(
        queries: (x, HeadPlace(groupStride: group * dimension)),
        keys: (x, HeadPlace(start: queries, groupStride: dimension)),
        values: (x, HeadPlace(start: queries + keys, groupStride: dimension)))
    case .grouped:
      let stride = (group + 2) * dimension
      return AttentionInput(
        queries: (x, HeadPlace(groupStride: stride)),
        keys: (x, HeadPlace(start: group * dimension, groupStride: stride)),
        values: (x, HeadPlace(start: (group + 1) * dimension, groupStride: stride)))
    }
  }
}
