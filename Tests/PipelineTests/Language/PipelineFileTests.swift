import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Pipelines from files on the disk.
struct PipelineFileTests {
  private func messages(_ path: String) -> String {
    do {
      _ = try PipelineFile.load(path: path, registry: toyRegistry, sources: ToySources())
      return ""
    } catch {
      return diagnostics(of: error).rendered()
    }
  }

  @Test func aFileIsReadAndNamedAsItWasGiven() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(goodPipeline, to: "sft.yaml")
    let pipeline = try PipelineFile.load(path: path, registry: toyRegistry, sources: ToySources())
    #expect(pipeline.file == path)
    #expect(pipeline.name == "sft")
    #expect(pipeline.parameters.map { "\($0.name)=\($0.value)" } == ["learning_rate=1e-4", "data=rows.jsonl"])
  }

  @Test func missing() {
    #expect(messages("/nowhere/sft.yaml") == "error: No file or folder `/nowhere/sft.yaml`")
  }

  @Test func folder() throws {
    let folder = try TemporaryFolder()
    #expect(
      messages(folder.path) == """
        error: `\(folder.path)` is a folder
          why: a file is wanted here
        """)
  }

  @Test func aPipe() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.path("pipe.yaml")
    #expect(mkfifo(pipe, 0o600) == 0)
    Thread.detachNewThread { try? goodPipeline.write(toFile: pipe, atomically: false, encoding: .utf8) }
    #expect(messages(pipe) == "")
  }

  @Test(.enabled(if: getuid() != 0, "the superuser may read everything"))
  func locked() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(goodPipeline, to: "sft.yaml")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
    #expect(
      messages(path) == """
        error: Cannot read `\(path)`
          why: permission denied
        """)
  }
}
