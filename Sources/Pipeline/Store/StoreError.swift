import Diagnostics

/// What can go wrong with the store besides the operating system's refusals (``SystemError``).
package enum StoreError: Error, Sendable, Hashable {
  /// A blob that a result names is not there, or its bytes are not what its name says.
  case blobLost(BlobReference, BlobDamage)
  case changedWhileRead(path: String)
  /// A source file has other bytes now than when the node's key was made.
  case sourceChanged(role: String, path: String)
  case missingSource(path: String)
  case invalidMemberPath(String, port: String)
  case unknownPort(String, node: String, known: [String])
  case undeclaredPart(String, type: String, known: [String])
  case missingOutput(port: String, node: String)
  case wrongOutputType(port: String, node: String, expected: String, found: String)
  case wrongFacet(port: String, node: String, facet: String, expected: String, found: String)
  /// What a node made is not what the type of its output promises.
  case refusedOutput(port: String, type: String, [Diagnostic])
  /// A link in what a program made that leads out of it, or nowhere, or to a folder; with what it leads to.
  case outputLink(String, to: String, port: String)
  /// Something in what a program made that is neither a file nor a folder.
  case outputOddity(String, port: String)
  /// A node asked where to write a file and did not write it.
  case unwrittenMember(String, port: String)
  case missingMember(String, known: [String])
  case invalidManifest(reason: String)
  /// A part's result holds something else than a part.
  case unusablePart(String)
  case unusableStore(path: String, reason: String)
}

/// How a blob is damaged.
package enum BlobDamage: String, Sendable, Hashable {
  case missing
  case corrupt
}

extension StoreError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .blobLost(let blob, let damage):
      [
        Diagnostic(
          code: "blob-\(damage.rawValue)",
          damage == .missing
            ? "Blob `\(blob.digest.short)` is missing from the store"
            : "Blob `\(blob.digest.short)` is damaged: its bytes do not match its name",
          advice: "run again: its producer is repeated")
      ]
    case .changedWhileRead(let path):
      [
        Diagnostic(
          code: "changed-while-read", "`\(path)` changed while it was read",
          advice: "run again when nothing writes to it any more")
      ]
    case .sourceChanged(let role, let path):
      [
        Diagnostic(
          code: "source-changed", "`\(path)` changed while the node that reads it as `\(role)` was running",
          reason: "its result would belong to neither the old nor the new content", advice: "run again")
      ]
    case .missingSource(let path):
      [Diagnostic(code: "missing-source", "There is no file or folder `\(path)`")]
    case .invalidMemberPath(let path, let port):
      [
        Diagnostic(
          code: "invalid-member", "Output `\(port)` cannot hold a file named `\(path)`",
          reason: "a name is relative, without empty parts, `.`, `..` or control characters; `manifest.json` is taken")
      ]
    case .unknownPort(let port, let node, let known):
      [
        Diagnostic(
          code: "unknown-port", "Node `\(node)` has no port `\(port)`",
          reason: "its ports are [\(known.joined(separator: ", "))]", advice: nearestName(to: port, among: known))
      ]
    case .undeclaredPart(let part, let type, let known):
      [
        Diagnostic(
          code: "undeclared-part", "Node type `\(type)` declares no part `\(part)`",
          reason: "its parts are [\(known.joined(separator: ", "))]", advice: nearestName(to: part, among: known))
      ]
    case .missingOutput(let port, let node):
      [Diagnostic(code: "missing-output", "Node `\(node)` ended without making its output `\(port)`")]
    case .wrongOutputType(let port, let node, let expected, let found):
      [
        Diagnostic(
          code: "wrong-output-type", "Node `\(node)` made `\(found)` at output `\(port)`",
          reason: "`\(expected)` is declared there")
      ]
    case .wrongFacet(let port, let node, let facet, let expected, let found):
      [
        Diagnostic(
          code: "wrong-facet",
          "Node `\(node)` made an output `\(port)` with \(facet) `\(found)` where `\(expected)` was announced")
      ]
    case .refusedOutput(let port, let type, let problems):
      problems.map { problem in
        var problem = problem
        let given = "output `\(port)` is to be of type `\(type)`"
        problem.reason = problem.reason.map { "\($0); \(given)" } ?? given
        return problem
      }
    case .outputLink(let name, let target, let port):
      [
        Diagnostic(
          code: "output-link", "`\(name)` in output `\(port)` is a link to `\(target)`",
          reason: "an output holds files of its own; only links to files in it are taken, as copies",
          advice: "have the program write the file there")
      ]
    case .outputOddity(let name, let port):
      [
        Diagnostic(
          code: "output-link", "`\(name)` in output `\(port)` is neither a file nor a folder",
          advice: "have the program remove it before it ends")
      ]
    case .unwrittenMember(let name, let port):
      [
        Diagnostic(
          code: "unwritten-member", "Output `\(port)` lacks its file `\(name)`: it was never written, or removed")
      ]
    case .missingMember(let name, let known):
      [
        Diagnostic(
          code: "missing-member", "The artefact holds no file `\(name)`",
          reason: "its files are [\(known.joined(separator: ", "))]", advice: nearestName(to: name, among: known))
      ]
    case .invalidManifest(let reason):
      [Diagnostic(code: "invalid-manifest", "An artefact's manifest cannot be read", reason: reason)]
    case .unusablePart(let label):
      [Diagnostic(code: "unusable-part", "The stored result of part `\(label)` holds no part")]
    case .unusableStore(let path, let reason):
      [
        Diagnostic(
          code: "unusable-store", "The store `\(path)` cannot be used", reason: reason,
          advice: "name another one with the environment variable `ANNEAL_STORE`")
      ]
    }
  }
}
