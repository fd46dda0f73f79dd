import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Glibc
import LanguageServer
import Pipeline
import Recipes

/// `anneal lsp`: a language server for editors.
struct LanguageServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lsp", abstract: "Tells editors about pipeline files: a language server on standard input and output.")

  @OptionGroup var workplace: Workplace

  func run() throws {
    let sources = StampedSources(workplace.openedStore.sources)
    let server = LanguageServer(registry: fineTuningNodes, version: Version.text) { bytes, file in
      do {
        let text = try YAMLText(bytes: bytes, file: file)
        if let kind = RecipeFile.kind(of: text) {
          let expanded = try PipelineArguments.expand(text, as: kind, [], [])
          return expanded.named(try PipelineArguments.resolve(expanded, sources: sources).warnings)
        }
        return try PipelineFile.resolve(text, registry: fineTuningNodes, sources: sources).warnings
      } catch { return diagnostics(of: error) }
    }
    if !server.run() { throw ExitCode(1) }
  }
}

/// Digests that tell a file by its name and its stamp: between two strokes of a key nobody reads a model.
private struct StampedSources: SourceDigester {
  private let sources: any SourceDigester

  init(_ sources: any SourceDigester) { self.sources = sources }

  func digest(path: String) throws -> (digest: Digest, size: Int) {
    if let known = sources.knownDigest(of: path) { return (known, 0) }
    guard try kind(of: path) != nil else { throw SourceError(path: path, .missing) }
    return (Digest(of: "\(path) \(sources.stamp(of: path).map { "\($0)" } ?? "")".utf8), 0)
  }

  func kind(of path: String) throws -> SourceKind? { try sources.kind(of: path) }
  func knownDigest(of file: String) -> Digest? { sources.knownDigest(of: file) }
  func stamp(of file: String) -> FileStamp? { sources.stamp(of: file) }
  func facets(for key: Digest) -> [String: Facet]? { sources.facets(for: key) }
  /// Keys of digests that are none are not kept.
  func remember(_ facets: [String: Facet], for key: Digest) {}
  /// Whoever opens a file in an editor need not trust it: nothing that it names is started.
  func answer(to question: VersionQuestion) -> String { "" }
}
