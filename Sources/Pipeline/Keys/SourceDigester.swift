import Diagnostics

/// Gives the content digests of files and folders outside the store.
package protocol SourceDigester: Sendable {
  /// The digest and the size in bytes of a file, or of a folder's whole tree.
  ///
  /// - Throws: ``SourceError``.
  func digest(path: String) throws -> (digest: Digest, size: Int)

  /// What stands at a path; nil when there is nothing.
  ///
  /// - Throws: ``SourceError`` where the system does not say.
  func kind(of path: String) throws -> SourceKind?

  /// The digest of a file as far as it is known without reading the file.
  func knownDigest(of file: String) -> Digest?

  /// The stamp of a file; nil when there is no file.
  func stamp(of file: String) -> FileStamp?

  /// What an ``Inspection`` with this key has seen before.
  func facets(for key: Digest) -> [String: Facet]?

  /// Keeps what an inspection has seen.
  func remember(_ facets: [String: Facet], for key: Digest)

  /// What a program says that is part of a key.
  ///
  /// - Throws: ``VersionError``, ``SystemError``.
  func answer(to question: VersionQuestion) throws -> String
}

/// Whether a source is a file or a folder.
package enum SourceKind: String, Sendable {
  case file
  case folder
}

/// A digester that remembers nothing.
extension SourceDigester {
  package func knownDigest(of file: String) -> Digest? { nil }
  package func stamp(of file: String) -> FileStamp? { nil }
  package func facets(for key: Digest) -> [String: Facet]? { nil }
  package func remember(_ facets: [String: Facet], for key: Digest) {}
  package func answer(to question: VersionQuestion) throws -> String { try question.answer() }
}

extension SourceDigester {
  package func kind(of path: String) throws -> SourceKind? {
    do { return try pathKind(path).map { $0 == .folder ? .folder : .file } } catch {
      throw SourceError(path: path, .unreadable(reason: SystemError("look at", path, code: error.code).reason))
    }
  }
}

/// A source that cannot be read.
package struct SourceError: DiagnosticError, Hashable {
  package enum Problem: Sendable, Hashable {
    case missing
    /// A folder stands where a file is wanted, or a file where a folder is.
    case wrongKind(found: SourceKind, wanted: SourceKind)
    /// With the system's reason, such as `Permission denied`.
    case unreadable(reason: String)
    case changedWhileReading
  }

  package var path: String
  package var problem: Problem

  package init(path: String, _ problem: Problem) {
    self.path = path
    self.problem = problem
  }

  /// What stands beside a missing file and has nearly its name.
  private var nearest: String? {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.dropLast().joined(separator: "/")
    guard let name = parts.last, let names = try? folderNames(parts.count == 1 ? "." : folder + "/") else { return nil }
    return nearestName(to: String(name), among: names).map { parts.count == 1 ? $0 : "\(folder)/\($0)" }
  }

  package var diagnostics: [Diagnostic] {
    switch problem {
    case .missing:
      [
        Diagnostic(
          code: "missing-source", "No file or folder `\(path)`",
          reason: path.hasPrefix("/") ? nil : "paths are relative to the folder that `anneal` is started in",
          advice: nearest.map { "`\($0)`" })
      ]
    case .wrongKind(let found, let wanted):
      [
        Diagnostic(
          code: "wrong-source", "`\(path)` is a \(found.rawValue)",
          reason: "a \(wanted.rawValue) is wanted here")
      ]
    case .unreadable(let reason):
      [Diagnostic(code: "unreadable-source", "Cannot read `\(path)`", reason: reason)]
    case .changedWhileReading:
      [
        Diagnostic(
          code: "changed-source", "`\(path)` changed while it was read", advice: "Run again when nothing writes to it")
      ]
    }
  }
}
