import Diagnostics

/// What user data can make go wrong in a computation; worded below.
package enum TensorError: Error, Sendable, Hashable {
  /// An array's shape is not what the operation wants.
  case shape(operation: String, name: String, expected: [Int], found: [Int])
  /// A token id is not in the table of `count` rows.
  case tokenOutOfRange(operation: String, id: Int32, count: Int)
  /// Lists that belong together have different lengths.
  case countMismatch(operation: String, name: String, expected: Int, found: Int)
  /// A sequence is longer than the table of rotary positions.
  case positionBeyondTable(position: Int, maximum: Int)
  /// More tokens were given than the key-value cache has room for.
  case cacheFull(wanted: Int, capacity: Int)
  /// `ANNEAL_CPU` names no class of processor that this machine can run.
  case unknownProcessorClass(name: String, available: [String])
  /// A class of arithmetic was asked for that this processor, or the kernels that `ANNEAL_CPU` names, cannot do.
  case computeClassUnavailable(ComputeClass, kernels: KernelSet.Name)
}

extension TensorError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .shape(let operation, let name, let expected, let found):
      [Diagnostic(code: "tensor-shape", "`\(operation)` wants `\(name)` of shape \(expected), found \(found)")]
    case .tokenOutOfRange(let operation, let id, let count):
      [
        Diagnostic(
          code: "token-out-of-range", "`\(operation)` met token id \(id), but the table has \(count) rows",
          advice: "Use the tokenizer that belongs to the model")
      ]
    case .countMismatch(let operation, let name, let expected, let found):
      [Diagnostic(code: "count-mismatch", "`\(operation)` wants \(expected) \(name), found \(found)")]
    case .positionBeyondTable(let position, let maximum):
      [
        Diagnostic(
          code: "position-beyond-table", "A sequence reaches position \(position), the model ends at \(maximum)",
          advice: "Lower `max_length`")
      ]
    case .cacheFull(let wanted, let capacity):
      [Diagnostic(code: "cache-full", "\(wanted) tokens do not fit into a context of \(capacity)")]
    case .unknownProcessorClass(let name, let available):
      [
        Diagnostic(
          code: "unknown-processor-class", "`ANNEAL_CPU` is `\(name)`, which this machine cannot run",
          advice: nearestName(to: name, among: available).map { "Did you mean `\($0)`?" }
            ?? "Choose from [\(available.joined(separator: ", "))]")
      ]
    case .computeClassUnavailable(let computeClass, let kernels):
      [
        Diagnostic(
          code: "compute-class-unavailable",
          "`compute: \(computeClass.rawValue)` needs a processor with \(computeClass.requirement)",
          reason: "The kernels in use are `\(kernels.rawValue)`",
          advice: "Choose `compute: auto` or `compute: f32`")
      ]
    }
  }
}
