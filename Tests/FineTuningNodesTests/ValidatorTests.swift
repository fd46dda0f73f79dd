import Diagnostics
import FineTuningNodes
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// What a node made is looked at before it is published.
struct ValidatorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The words about an artefact of this type with these files; nil when it passes.
  private func problem(_ type: String, _ files: [String: String]) throws -> String? {
    let members = try files.map { name, text in
      let path = try folder.write(text, to: name)
      #expect(path == folder.path(name))
      return Artefact.Member(
        path: name, blob: BlobReference(digest: Digest(of: Array(text.utf8)), size: text.utf8.count))
    }
    let artefact = Artefact(type: ArtefactType(type), details: JSONObject(), members: members)
    let view = ArtefactView(artefact) { [folder] in folder.path($0.path) }
    do {
      try fineTuningChecks(view)
      return nil
    } catch let error as any DiagnosticError {
      return error.diagnostics.first?.summary
    }
  }

  @Test func aTokenShardThatIsNoneIsRefused() throws {
    #expect(try problem("tokens", ["shard-00000.tokens": "no shard"]) == "This is not a token shard")
    #expect(try problem("tokens", [:]) == nil)
  }

  @Test func aModelWithoutABaseIsRefused() throws {
    #expect(
      try problem("model", ["adapter/adapter_config.json": "{}"]) == "The node made a model without its base's files")
    #expect(try problem("model", ["base/config.json": "{}"]) == nil)
  }

  @Test func otherTypesPass() throws {
    #expect(try problem("answers", ["answers.md": "hello"]) == nil)
  }
}
