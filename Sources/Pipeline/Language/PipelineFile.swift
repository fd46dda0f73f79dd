import Diagnostics
import Glibc

/// Loading of pipeline files.
package enum PipelineFile {
  /// Reads a pipeline file and finds everything that is wrong with it.
  ///
  /// The path names the file in messages; overrides are the `--set` arguments, applied in order; sources are digested
  /// only when nothing else is wrong.
  ///
  /// - Throws: `DiagnosticList` with all errors, or ``SourceError`` when the file itself cannot be read.
  package static func load(
    path: String, overrides: [Override] = [], registry: NodeRegistry, sources: any SourceDigester
  ) throws -> ResolvedPipeline {
    try resolve(YAMLText(path: path), overrides: overrides, registry: registry, sources: sources)
  }

  /// As ``load(path:overrides:registry:sources:)``, for a text in memory.
  package static func load(
    text: String, file: String, overrides: [Override] = [], registry: NodeRegistry, sources: any SourceDigester
  ) throws -> ResolvedPipeline {
    try load(bytes: Array(text.utf8), file: file, overrides: overrides, registry: registry, sources: sources)
  }

  /// As ``load(path:overrides:registry:sources:)``, for bytes in memory.
  package static func load(
    bytes: [UInt8], file: String, overrides: [Override] = [], registry: NodeRegistry, sources: any SourceDigester
  ) throws -> ResolvedPipeline {
    try resolve(
      YAMLText(bytes: bytes, file: file), overrides: overrides, registry: registry, sources: sources)
  }

  /// Resolves a text that was read, or what another kind of file became.
  ///
  /// - Parameter problems: What is known to be wrong already; it is told with everything else.
  /// - Throws: `DiagnosticList` with all errors.
  package static func resolve(
    _ text: YAMLText, overrides: [Override] = [], problems known: [Diagnostic] = [], registry: NodeRegistry,
    sources: any SourceDigester
  ) throws -> ResolvedPipeline {
    var assembly = PipelineAssembly()
    var tree = assembly.assemble(text)
    var problems = known + assembly.problems
    for override in overrides { override.apply(to: &tree, registry: registry, problems: &problems) }
    guard case .map = tree.content else {
      throw DiagnosticList(problems + [LanguageProblem.notAPipeline(found: tree.kindWords).diagnostic(at: tree.mark)])
    }
    let (nodes, groups) = NodeGroups.expand(tree, registry: registry, problems: &problems)
    var document = PipelineDocument(nodes, source: text.source)
    document.substituteParams(
      registry: registry, changesMatrix: overrides.contains { $0.text.hasPrefix("matrix.") })
    var graph = GraphBuilder(document, registry: registry)
    graph.problems += problems
    var pipeline: ResolvedPipeline
    do { pipeline = try graph.resolve(sources: sources) } catch let list as DiagnosticList where assembly.lacksFiles {
      throw DiagnosticList(list.diagnostics.filter { !followers.contains($0.code) })
    }
    pipeline.text = tree.yaml(depth: 3)
    pipeline.groups = groups
    return pipeline
  }

  /// What may be wrong only because a file is not there that would say it.
  private static let followers: Set = [
    "missing-key", "no-nodes", "missing-type", "unknown-node", "unknown-param", "unknown-group", "nothing-taken",
  ]

  /// The bytes of a file, or of a pipe (`anneal run <(make-pipeline)`).
  static func read(_ path: String) throws -> [UInt8] {
    do {
      switch try FileSystem().status(path)?.kind {
      case .folder: throw SourceError(path: path, .wrongKind(found: .folder, wanted: .file))
      case .other: return try FileSystem().readStream(path)
      case .file, nil: break
      }
      guard let bytes = try FileSystem().read(path) else { throw SourceError(path: path, .missing) }
      return bytes
    } catch let error as SystemError {
      let isRefused = error.code == EACCES || error.code == EPERM
      throw SourceError(path: path, .unreadable(reason: isRefused ? "permission denied" : error.words))
    }
  }
}
