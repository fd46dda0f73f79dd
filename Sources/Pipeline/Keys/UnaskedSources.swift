/// Sources of a pipeline that is looked at and not run: no program is asked for its version, since whoever opens a file
/// need not trust it.
///
/// Keys that hold an answer are then others than a run has.
package struct UnaskedSources: SourceDigester {
  private let sources: any SourceDigester

  package init(_ sources: any SourceDigester) { self.sources = sources }

  package func digest(path: String) throws -> (digest: Digest, size: Int) { try sources.digest(path: path) }
  package func kind(of path: String) throws -> SourceKind? { try sources.kind(of: path) }
  package func knownDigest(of file: String) -> Digest? { sources.knownDigest(of: file) }
  package func stamp(of file: String) -> FileStamp? { sources.stamp(of: file) }
  package func facets(for key: Digest) -> [String: Facet]? { sources.facets(for: key) }
  package func remember(_ facets: [String: Facet], for key: Digest) { sources.remember(facets, for: key) }
  package func answer(to question: VersionQuestion) -> String { "" }
}
