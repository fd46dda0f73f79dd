import CTensorKernels

/// A named class of arithmetic.
///
/// Two runs with the same class, data and seed give the same bits on the same kind of
/// processor; the name goes into action keys.
package enum ComputeClass: String, Sendable, Hashable, CaseIterable {
  /// Products and everything else in 32-bit floats.
  case f32
  /// As f32, but products with frozen weights take 16-bit whole numbers, of 12 bits and a sign, with a scale for each 128
  /// of them; see ``Int16Matrix``.
  case int16
  /// Products with weights and those of attention take 16-bit operands (bfloat16: 8 bits of exponent, 7 of fraction) and
  /// sum in 32 bits; everything else is in 32-bit floats: adapters, norms, softmax, losses and the optimizer.
  case bf16
  /// As bf16, but products with the frozen weights of decoder blocks take bytes with a scale for each 64 of them: all of
  /// the backward pass, and those of the forward pass that stand it best; see ``Int8Matrix``.
  case int8

  /// What a processor must have for it, in words.
  package var requirement: String {
    switch self {
    case .f32: "any processor"
    case .int16: "AVX2, and not AVX-512"
    case .bf16: "AVX512-BF16 or AMX"
    case .int8: "AVX512-VNNI, and AVX512-BF16 or AMX"
    }
  }

  /// Whether attention and what is not said to be in bytes take bfloat16 operands.
  package var takesBF16: Bool { self == .bf16 || self == .int8 }

  /// Whether products with frozen weights take rounded operands.
  package var rounds: Bool { self != .f32 }

  /// The classes that the processor computes fast, slowest first: bf16 needs AVX512-BF16 or AMX, int8 AVX512-VNNI as well,
  /// and int16 is for processors whose widest vectors are those of AVX2.
  ///
  /// - Parameter kernels: The class of kernels in use; one below the processor's own asks for an older processor.
  package static func available(_ kernels: KernelSet) -> [ComputeClass] {
    if kernels.name == .avx2 { return [.f32, .int16] }
    guard kernels.name == .avx512, tk_has_bf16_products() != 0 else { return [.f32] }
    return tk_has_int8_products() != 0 ? [.f32, .bf16, .int8] : [.f32, .bf16]
  }

  /// The fastest class of the processor, but never int8, whose gradients are three times as rough as those of bf16.
  package static func best(_ kernels: KernelSet) -> ComputeClass {
    available(kernels).last { $0 != .int8 } ?? .f32
  }
}

/// Where operations run: the threads, the kernels and the class of arithmetic.
package final class Compute: Sendable {
  package let pool: ThreadPool
  package let kernels: KernelSet
  package let computeClass: ComputeClass
  /// Whether a single row is multiplied with packed weights, as several are.
  ///
  /// Plain ones are faster, and sums of theirs are rounded otherwise; but they go away when a matrix is packed for gradients,
  /// so that a step's bits would hang on what the process did before. Training needs it.
  package let packsSingleRows: Bool

  /// - Parameters:
  ///   - kernels: The class of kernels; ``KernelSet/best`` for the processor's own.
  ///   - computeClass: One that ``ComputeClass/available(_:)`` names.
  package init(
    pool: ThreadPool, kernels: KernelSet, computeClass: ComputeClass = .f32, packsSingleRows: Bool = false
  ) {
    self.pool = pool
    self.kernels = kernels
    self.computeClass = computeClass
    self.packsSingleRows = packsSingleRows
    onElements { prepareMatrixLibrary() }
  }

  /// The processor's own kernels, or those that the environment variable `ANNEAL_CPU` names.
  ///
  /// - Throws: ``TensorError/unknownProcessorClass(name:available:)``,
  ///   ``TensorError/computeClassUnavailable(_:kernels:)``.
  package convenience init(
    threads: Int, computeClass: ComputeClass = .f32, packsSingleRows: Bool = false
  ) throws {
    let kernels = try KernelSet.chosenByEnvironment()
    guard ComputeClass.available(kernels).contains(computeClass) else {
      throw TensorError.computeClassUnavailable(computeClass, kernels: kernels.name)
    }
    self.init(
      pool: ThreadPool(threads: threads), kernels: kernels, computeClass: computeClass, packsSingleRows: packsSingleRows
    )
  }
}
