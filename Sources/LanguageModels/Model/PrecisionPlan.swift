import Tensors

/// In which form each weight of a model is held in memory, decided once; how products are computed is the class of
/// arithmetic's business.
///
/// What is trained is held in 32-bit floats whatever the plan says, and so are norms and biases.
package struct PrecisionPlan: Sendable, Hashable {
  /// The form of the frozen maps of the blocks.
  package enum Maps: String, Sendable, Hashable, CaseIterable {
    /// Packed for the matrix library in the type of the class, once for each direction that is needed.
    case packed
    /// As the file has them, read where the file is mapped.
    case stored
    case bf16
    /// Whole numbers of 8 bits with a scale for each 32 neighbours, ggml's Q8_0.
    case int8
    /// 4 bits with double quantisation, as bitsandbytes has it; see ``Tensors/NF4Weight``.
    case nf4
  }

  package var maps: Maps

  package init(maps: Maps = .packed) { self.maps = maps }

  /// The form of a frozen matrix: what is not a map of a block, and maps that suffer from rounding, such as routers, are
  /// packed, or as they are stored.
  ///
  /// - Parameter mayRound: Whether the matrix stands rounding.
  func form(mayRound: Bool) -> Maps { maps == .packed || mayRound ? maps : .stored }

  /// A frozen matrix [rows, columns] in the form that the plan says, from its numbers; nil where it is to be packed.
  func held(_ numbers: Tensor, mayRound: Bool, _ compute: Compute) throws -> (any StoredWeight)? {
    switch form(mayRound: mayRound) {
    case .packed: nil
    case .stored: try BlockWeight(rounding: numbers, to: .f32, compute)
    case .bf16: try BlockWeight(rounding: numbers, to: .bf16, compute)
    case .int8: try BlockWeight(rounding: numbers, to: .int8, compute)
    case .nf4: NF4Weight(rounding: numbers, compute)
    }
  }
}
