import Tensors

/// A decoder-only transformer: a configuration and its weights, frozen or trainable, with or without an adapter.
///
/// Not `Sendable`: its parameters belong to one training loop or one reader at a time.
package final class LanguageModel {
  package let configuration: ModelConfiguration
  package let compute: Compute
  /// [V, C].
  package let embedding: Parameter
  package internal(set) var layers: [DecoderLayer]
  /// [C].
  package let finalNorm: Parameter
  /// [V, C]; over the embedding's values where the configuration ties them.
  package let head: MatrixWeight
  package let rotary: RotaryTable
  /// The adapter that stands beside the weights.
  package internal(set) var adapter: AdapterConfiguration?
  /// What recording tapes keep of a forward pass.
  package var recomputation = Recomputation.none

  /// Reads every tensor of the configuration.
  ///
  /// - Parameters:
  ///   - longestSequence: The most positions to prepare, where the model was made for more; 8 bytes · D/2 each.
  ///   - trains: Whether a tensor is trained, by its Hugging Face name; the others are prepared for the matrix library
  ///     once and get no gradient.
  /// - Throws: ``WeightError`` for tensors that are missing, and what the source throws.
  package init(
    _ configuration: ModelConfiguration, weights: any WeightSource, compute: Compute,
    longestSequence: Int = 1 << 17, trains: (String) -> Bool = { _ in false }
  ) throws {
    let missing = configuration.tensors.map(\.name).filter { !weights.has($0) }
    guard missing.isEmpty else { throw WeightError.missing(missing, origin: weights.origin) }

    func parameter(_ role: TensorRole, _ shape: [Int]) throws -> Parameter {
      let value = try weights.tensor(named: role.name, shape: shape)
      guard value.shape == shape else {
        throw WeightError.shape(name: role.name, wanted: shape, found: value.shape, origin: weights.origin)
      }
      return Parameter(name: role.name, value: value, isTrainable: trains(role.name))
    }
    func matrix(
      _ parameter: Parameter, int8: MatrixWeight.Int8Products = .none, isShared: Bool = false
    ) throws -> MatrixWeight {
      parameter.isTrainable
        ? try MatrixWeight(trainable: parameter, compute: compute)
        : try MatrixWeight(frozen: parameter.value, compute: compute, int8: int8, isShared: isShared)
    }

    let c = configuration.hiddenSize
    self.configuration = configuration
    self.compute = compute
    embedding = try parameter(.embedding, [configuration.vocabularySize, c])
    layers = try (0..<configuration.layerCount).map { layer in
      DecoderLayer(
        norms: try NormKind.allCases.map { try parameter(.norm($0, layer: layer), [c]) },
        projections: try ProjectionKind.allCases.map { kind in
          let shape = configuration.shape(of: kind)
          let bias = configuration.biases.contains(kind) ? try parameter(.bias(kind, layer: layer), [shape[0]]) : nil
          return try Projection(
            weight: matrix(parameter(.weight(kind, layer: layer), shape), int8: kind.int8Products), bias: bias)
        })
    }
    finalNorm = try parameter(.finalNorm, [c])
    head = try matrix(
      configuration.tiesHead ? embedding : parameter(.head, [configuration.vocabularySize, c]),
      isShared: configuration.tiesHead)
    rotary = RotaryTable(
      headDimension: configuration.headDimension,
      maximumPosition: min(configuration.maximumPositions, longestSequence), base: configuration.rotaryBase,
      scaling: configuration.rotaryScaling)
  }

  /// Whether the values of `parameter` are a norm's or a bias's, which weight decay leaves alone.
  package static func isExemptFromDecay(_ name: String) -> Bool { name.contains("norm") || name.hasSuffix(".bias") }

  /// Every parameter that training may reach, the adapter's last; frozen matrices are none.
  package var parameters: [Parameter] {
    var all = [embedding]
    for layer in layers {
      all += layer.norms
      for projection in layer.projections { all += [projection.weight.parameter, projection.bias].compactMap { $0 } }
    }
    all.append(finalNorm)
    if !configuration.tiesHead, let parameter = head.parameter { all.append(parameter) }
    for layer in layers {
      for projection in layer.projections {
        if let adapter = projection.adapter { all += [adapter.a, adapter.b] }
      }
    }
    return all
  }

  /// What an optimizer changes.
  package var trainableParameters: [Parameter] { parameters.filter(\.isTrainable) }
}
