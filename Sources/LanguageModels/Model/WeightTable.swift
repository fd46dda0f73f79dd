import Tensors

/// A table of which tokens or positions take rows: one that may be trained, or one that stays as it is stored.
package enum WeightTable {
  case parameter(Parameter)
  case stored(any StoredWeight)

  /// The parameter that training may reach.
  var parameter: Parameter? { if case .parameter(let parameter) = self { parameter } else { nil } }

  /// The rows of ids: [T, C].
  ///
  /// - Throws: ``Tensors/TensorError`` for ids that have no row.
  func rows(_ tape: Tape, _ ids: [Int32]) throws -> Variable {
    switch self {
    case .parameter(let parameter): try tape.embed(ids, table: parameter)
    case .stored(let weight): try tape.embed(ids, table: weight)
    }
  }
}
