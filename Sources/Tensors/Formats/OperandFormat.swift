/// A form in which products take a matrix as their right operand: the type of its numbers and their order.
///
/// One more of them is a ``PackedWeight`` and a value of this beside it.
struct OperandFormat: Sendable {
  /// Whether the numbers of a matrix come back from it as they were.
  let isExact: Bool
  /// Whether it takes the matrix as it lies, which then has to stay.
  let refers: Bool
  /// Packs W [out, in], transposed for y = x Wᵀ, as it is for dx = dy W.
  let pack: @Sendable (_ weight: Tensor, _ transposed: Bool, Compute) -> any PackedWeight

  init(isExact: Bool, refers: Bool = false, pack: @escaping @Sendable (Tensor, Bool, Compute) -> any PackedWeight) {
    self.isExact = isExact
    self.refers = refers
    self.pack = pack
  }
}

/// The forms that the two products with a matrix take it in, chosen by the class of arithmetic and the processor.
struct ProductFormats: Sendable {
  /// y = x Wᵀ.
  let forward: OperandFormat
  /// dx = dy W.
  let backward: OperandFormat

  /// - Parameters:
  ///   - frozen: Whether the matrix stays as it is: only then can packing it be dear.
  ///   - int8: Which products may be in bytes in the class that has them.
  init(_ compute: Compute, frozen: Bool, int8: MatrixWeight.Int8Products = .none) {
    let usual: OperandFormat
    switch (compute.computeClass, compute.kernels.name) {
    case (.bf16, _), (.int8, _): usual = .libraryBF16
    case (.int16, _) where frozen: usual = .int16
    case (_, .avx512): usual = .libraryF32
    case (_, .avx2): usual = .panels
    case (_, .neon), (_, .scalar): usual = .plain
    }
    let takesBytes = compute.computeClass == .int8 && frozen
    forward = takesBytes && int8 == .both ? .int8 : usual
    backward = takesBytes && int8 != .none ? .int8 : usual
  }
}
