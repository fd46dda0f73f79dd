import Diagnostics

/// Why a model cannot have more blocks.
package enum BlockExpansionError: Error, Sendable, Hashable {
  /// Copies that would not lie at equal distances.
  case uneven(copies: Int, blocks: Int)
  /// The family's `config.json` has no way to say what each of the blocks would be.
  case unsayable(family: String)
}

extension BlockExpansionError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .uneven(let copies, let blocks):
      let divisors = (1...max(1, blocks)).filter { blocks % $0 == 0 }.map { "\($0)" }.joined(separator: ", ")
      return [
        Diagnostic(
          code: "expansion", "\(copies) new blocks cannot stand at equal distances among \(blocks)",
          advice: "say one of \(divisors)")
      ]
    case .unsayable(let family):
      return [
        Diagnostic(
          code: "expansion", "The blocks of this `\(family)` model hang on their numbers",
          reason: "its `config.json` cannot say what each block is once others stand between them")
      ]
    }
  }
}
