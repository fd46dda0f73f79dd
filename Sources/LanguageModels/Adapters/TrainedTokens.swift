import Tensors

/// Rows of the embedding that are trained while the others stay.
struct TrainedTokens {
  /// [n, C].
  let rows: Parameter
  /// The id of each.
  let places: [Int]
  /// What they are rows of.
  let table: Parameter
}
