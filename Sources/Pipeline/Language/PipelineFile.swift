import Diagnostics
import Foundation

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
    try load(bytes: read(path), file: path, overrides: overrides, registry: registry, sources: sources)
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
    let source = SourceText(file: file, bytes: bytes)
    guard var tree = try YAMLReader.read(source), !tree.isNull else {
      throw DiagnosticList([LanguageProblem.empty.diagnostic(at: source.wholeMark)])
    }
    var problems: [Diagnostic] = []
    for override in overrides { override.apply(to: &tree, registry: registry, problems: &problems) }
    guard case .map = tree.content else {
      throw DiagnosticList(problems + [LanguageProblem.notAPipeline(found: tree.kindWords).diagnostic(at: tree.mark)])
    }
    var document = PipelineDocument(tree, source: source)
    document.substituteParams()
    var graph = GraphBuilder(document, registry: registry)
    graph.problems += problems
    return try graph.resolve(sources: sources)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw SourceError(path: path, .missing)
    }
    if isFolder.boolValue { throw SourceError(path: path, .wrongKind(found: .folder, wanted: .file)) }
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch let error as CocoaError where error.code == .fileReadNoPermission {
      throw SourceError(path: path, .unreadable(reason: "permission denied"))
    } catch {
      throw SourceError(path: path, .unreadable(reason: error.localizedDescription))
    }
  }
}
