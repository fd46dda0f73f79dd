import CTensorKernels
import Glibc

/// The inner loops for one class of processor.
///
/// A class always gives the same bits; classes differ from each other in the last places. Processors other than x86-64
/// and 64-bit ARM use the scalar reference.
package struct KernelSet: @unchecked Sendable {
  /// The classes, slowest first.
  package enum Name: String, Sendable, Hashable, CaseIterable {
    case scalar
    case avx2
    case avx512
    case neon
  }

  package let name: Name
  /// The table of C functions, constant for the life of the program.
  package let functions: UnsafePointer<tk_kernels>

  /// The kernels of a class, or nil when this processor cannot run them.
  package static func named(_ name: Name) -> KernelSet? {
    let functions =
      switch name {
      case .scalar: tk_scalar_kernels()
      case .avx2: tk_avx2_kernels()
      case .avx512: tk_avx512_kernels()
      case .neon: tk_neon_kernels()
      }
    return functions.map { KernelSet(name: name, functions: $0) }
  }

  /// The classes that this processor runs, slowest first.
  package static var available: [KernelSet] { Name.allCases.compactMap(named) }

  /// The fastest class that this processor runs.
  package static var best: KernelSet {
    guard let last = available.last else { preconditionFailure("The reference kernels are always there") }
    return last
  }

  /// The class that the environment variable `ANNEAL_CPU` names, ``best`` when it is not set.
  ///
  /// - Throws: ``TensorError/unknownProcessorClass(name:available:)``.
  package static func chosenByEnvironment() throws -> KernelSet {
    guard let wish = getenv("ANNEAL_CPU").map({ String(cString: $0) }), !wish.isEmpty else { return best }
    guard let set = Name(rawValue: wish).flatMap(named) else {
      throw TensorError.unknownProcessorClass(name: wish, available: available.map(\.name.rawValue))
    }
    return set
  }
}
