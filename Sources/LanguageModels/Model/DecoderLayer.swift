import Tensors

/// The weights of one decoder block.
package struct DecoderLayer {
  /// In the order of ``NormKind``.
  let norms: [Parameter]
  /// In the order of ``ProjectionKind``.
  var projections: [Projection]

  package func norm(_ kind: NormKind) -> Parameter { norms[kind.rawValue] }
  package func projection(_ kind: ProjectionKind) -> Projection { projections[kind.rawValue] }

  func projections(_ kinds: ProjectionKind...) -> [Projection] { kinds.map { projections[$0.rawValue] } }
}
