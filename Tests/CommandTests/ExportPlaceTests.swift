import Foundation
import TestKit
import Testing

/// `to:` of an export.
@Suite struct ExportPlaceTests {
  @Test func copiesGoWhereTheySay() throws {
    let project = try Project(rows: 8)
    func names(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: project.folder.path(folder)).sorted()
    }
    // Not there yet, with folders above it that are not there either.
    let first = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=deep/inside/release")
    #expect(first.code == 0, "\(first.messages)")
    let files = try names("deep/inside/release")
    #expect(files.contains("config.json") && files.contains("model.safetensors"))
    #expect(try names("deep/inside") == ["release"])
    // A file in its place: one clear error, and nothing left beside it.
    try project.folder.write("mine", to: "taken/release")
    let taken = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=taken/release")
    #expect(taken.code == 1)
    #expect(taken.messages.contains("error: Cannot put the export into `taken/release`"))
    #expect(taken.messages.contains("a file stands where a folder should be"))
    #expect(try names("taken") == ["release"])
    // Edits of the user's stay as long as the export is the same.
    try project.folder.write("mine", to: "deep/inside/release/notes.txt")
    let again = try project.anneal("run", "pipeline.yaml", "--set", "nodes.release.to=deep/inside/release/")
    #expect(again.code == 0)
    #expect(try names("deep/inside/release") == (files + ["notes.txt"]).sorted())
  }
}
