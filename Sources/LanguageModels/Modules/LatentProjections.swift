import Tensors

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434), as data: keys and values are made of a short vector of a
/// token, and all heads share the part of their keys that positions turn.
package struct LatentConfiguration: Sendable, Hashable {
  /// The short vector of the queries; nil where they are made of the hidden states.
  package var queryDown: LinearConfiguration?
  package var queryNorm: NormConfiguration?
  /// [H · (still + turned), …].
  package var query: LinearConfiguration
  /// [rank + turned, C].
  package var keyValueDown: LinearConfiguration
  package var keyValueNorm: NormConfiguration
  /// [H · (still + value), rank].
  package var keyValueUp: LinearConfiguration
  /// The elements of a head that positions do not turn, the first ones.
  package var still: Int
  package var turned: Int

  package init(
    queryDown: LinearConfiguration? = nil, queryNorm: NormConfiguration? = nil, query: LinearConfiguration,
    keyValueDown: LinearConfiguration, keyValueNorm: NormConfiguration, keyValueUp: LinearConfiguration, still: Int,
    turned: Int
  ) {
    self.queryDown = queryDown
    self.queryNorm = queryNorm
    self.query = query
    self.keyValueDown = keyValueDown
    self.keyValueNorm = keyValueNorm
    self.keyValueUp = keyValueUp
    self.still = still
    self.turned = turned
  }

  var rank: Int { keyValueUp.inputs }

  var maps: [LinearConfiguration] { [queryDown].compactMap { $0 } + [query, keyValueDown, keyValueUp] }

  /// The tensors of the norms.
  func tensors(layer: Int) -> [(role: TensorRole, shape: [Int])] {
    [(queryNorm, query.inputs), (keyValueNorm, rank)].flatMap { norm, width in
      norm?.tensors(.block(norm?.name ?? "", layer: layer), [width]) ?? []
    }
  }
}

/// The norms of latent attention.
struct LatentNorms {
  private let configuration: LatentConfiguration
  private let query: Norm?
  private let keyValue: Norm

  init(_ configuration: LatentConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    func norm(_ norm: NormConfiguration, _ width: Int) throws -> Norm {
      try Norm(norm, .block(norm.name, layer: layer), [width], loader)
    }
    query = try configuration.queryNorm.map { try norm($0, configuration.query.inputs) }
    keyValue = try norm(configuration.keyValueNorm, configuration.rank)
  }

  var parameters: [Parameter] { (query?.parameters ?? []) + keyValue.parameters }

  /// Queries, keys and values.
  ///
  /// - Parameter maps: In the order of the configuration.
  func input(_ tape: Tape, _ x: Variable, _ maps: [Linear], _ shape: AttentionShape) -> AttentionInput {
    let (down, up) = (maps[maps.count - 2], maps[maps.count - 1])
    let parts = tape.project(x, maps[0], down)
    let q = query.map { tape.project($0(tape, parts[0]), maps[1])[0] } ?? parts[0]
    let latent = keyValue(tape, tape.columns(of: parts[1], 0..<configuration.rank))
    let kv = tape.project(latent, up)[0]
    let k = tape.joinedKeys(
      kv, shared: parts[1], from: configuration.rank, heads: shape.heads, still: configuration.still,
      turned: configuration.turned)
    let (dimension, stride) = (shape.headDimension, configuration.still + shape.valueDimension)
    return AttentionInput(
      queries: (q, HeadPlace(groupStride: dimension)), keys: (k, HeadPlace(groupStride: dimension)),
      values: (kv, HeadPlace(start: configuration.still, groupStride: stride)))
  }
}
