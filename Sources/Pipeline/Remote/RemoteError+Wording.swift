import Diagnostics

extension RemoteError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .damagedEntry(let key):
      [Diagnostic(code: "remote", "the entry `\(key.short)` is not what was published under its key")]
    case .missingBlob(let blob):
      [Diagnostic(code: "remote", "the blob `\(blob.digest.short)`, which a result there names, is missing")]
    case .damagedBlob(let blob):
      [Diagnostic(code: "remote", "the blob `\(blob.digest.short)` has other bytes than its name says")]
    case .tooLarge(let digest, let limit):
      [
        Diagnostic(
          code: "remote", "what stands under `\(digest.short)` has more than the \(limit) bytes that it should have")
      ]
    }
  }
}
