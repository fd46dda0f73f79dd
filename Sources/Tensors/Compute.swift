/// A named class of arithmetic.
///
/// Two runs with the same class, data and seed give the same bits on the same kind of
/// processor; the name goes into action keys.
package enum ComputeClass: String, Sendable, Hashable, CaseIterable {
  /// Products and everything else in 32-bit floats.
  case f32
}

/// Where operations run: the threads, the kernels and the class of arithmetic.
package final class Compute: Sendable {
  package let pool: ThreadPool
  package let kernels: KernelSet
  package let computeClass: ComputeClass

  /// - `kernels`: the class of kernels; ``KernelSet/best`` for the processor's own.
  package init(pool: ThreadPool, kernels: KernelSet, computeClass: ComputeClass = .f32) {
    self.pool = pool
    self.kernels = kernels
    self.computeClass = computeClass
    prepareMatrixLibrary()
  }

  /// The processor's own kernels, or those that the environment variable `ANNEAL_CPU` names.
  package convenience init(threads: Int, computeClass: ComputeClass = .f32) throws {
    try self.init(
      pool: ThreadPool(threads: threads), kernels: KernelSet.chosenByEnvironment(), computeClass: computeClass)
  }
}
