import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

@Suite struct HealingTests {
  private func workspace() throws -> ToyWorkspace {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
    return workspace
  }

  @Test func findsAndHealsAFlippedBitInEveryBlob() throws {
    let workspace = try workspace()
    let first = try workspace.run(chain)
    let blobs = try workspace.blobs()
    #expect(blobs.count >= 12)
    for blob in blobs {
      let before = try Data(contentsOf: URL(fileURLWithPath: blob))
      guard !before.isEmpty else { continue }
      try flipBit(in: blob, at: before.count / 2)
      _ = try workspace.executed()
      let events = EventCollector()
      let summary = try workspace.run(chain, store: workspace.reopened(), sinks: [events])
      #expect(summary.state == .done)
      #expect(try workspace.executed().count >= 1)
      #expect(events.events.contains { if case .healing = $0 { true } else { false } })
      #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
      #expect(try Data(contentsOf: URL(fileURLWithPath: blob)) == before)
    }
  }

  @Test func healsAMissingBlob() throws {
    let workspace = try workspace()
    try workspace.run(chain)
    for blob in try workspace.blobs() {
      try FileManager.default.removeItem(atPath: blob)
      #expect(try workspace.run(chain, store: workspace.reopened()).state == .done)
      #expect(FileManager.default.fileExists(atPath: blob))
    }
  }

  @Test(arguments: ["ac", "plan", "roots"])
  func survivesAFlippedBitBesideTheBlobs(area: String) throws {
    let workspace = try workspace()
    let first = try workspace.run(chain)
    let root = workspace.store.path + "/" + area
    let files = try FileManager.default.subpathsOfDirectory(atPath: root).map { root + "/" + $0 }
      .filter { (try? FileSystem().status($0)?.kind) == .file }
    #expect(!files.isEmpty)
    for file in files {
      let size = try FileSystem().status(file)?.stamp.size ?? 0
      for offset in [0, size / 3, size - 2] {
        guard FileManager.default.fileExists(atPath: file) else { continue }
        try flipBit(in: file, at: max(0, offset))
        let summary = try workspace.run(chain, store: workspace.reopened())
        #expect(summary.state == .done)
        #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
      }
    }
  }

  @Test func aTornDigestLogIsForgotten() throws {
    let workspace = try workspace()
    try workspace.run(chain)
    Thread.sleep(forTimeInterval: 0.1)
    try workspace.run(chain, store: workspace.reopened())
    let log = workspace.store.path + "/digests.log"
    #expect(try (FileSystem().read(log) ?? []).count > 100)
    try flipBit(in: log, at: 40)
    _ = try workspace.executed()
    try workspace.run(chain, store: workspace.reopened())
    #expect(try workspace.executed() == [])
  }

  @Test func makesALostInputAgainWhileTheRunGoesOn() throws {
    let workspace = try workspace()
    let text = """
      pipeline: lost
      nodes:
        a: {type: toy_text, text: precious, count_in: COUNT}
        wait: {type: toy_join, parts: [a], pause: 0.5, count_in: COUNT}
        use: {type: toy_join, parts: [a, wait], separator: "+", count_in: COUNT}
      outputs: [use]
      """
    let precious = Digest(of: Array("precious".utf8)).hex
    let blob = "\(workspace.store.path)/cas/\(precious.prefix(2))/\(precious)"
    Thread.detachNewThread {
      // After `wait` has read it and before `use` does.
      for _ in 0..<500 {
        let log = (try? FileSystem().read(workspace.counter)) ?? nil
        if String(decoding: log ?? [], as: UTF8.self).contains("wait") { break }
        Thread.sleep(forTimeInterval: 0.005)
      }
      Thread.sleep(forTimeInterval: 0.2)
      try? flipBit(in: blob)
    }
    let events = EventCollector()
    // A pause before reading lets `wait` hold the run back until the damage is done.
    let summary = try workspace.run(
      text.replacingOccurrences(of: "[a], pause", with: "[a], separator: x, pause"), sinks: [events])
    #expect(summary.state == .done)
    #expect(try workspace.text(summary, "use") == "precious+precious")
    #expect(events.events.contains { if case .healing("a", _) = $0 { true } else { false } })
    #expect(try workspace.executed().filter { $0 == "a" }.count == 2)
  }

  @Test func aReferencedFileThatChangesIsAMissingBlob() throws {
    let workspace = try ToyWorkspace()
    let path = try workspace.folder.write("weights", to: "model.bin")
    let text = """
      pipeline: reference
      nodes:
        model: {type: toy_reference, from: DIR/model.bin, count_in: COUNT}
        use: {type: toy_join, parts: [model], count_in: COUNT}
      outputs: [use]
      """
    let summary = try workspace.run(text)
    #expect(try workspace.text(summary, "use") == "weights")
    let digest = Digest(of: Array("weights".utf8)).hex
    // `use` copies the text, so the blob is there by now; the reference alone is not a copy.
    #expect(FileManager.default.fileExists(atPath: "\(workspace.store.path)/refs/\(digest.prefix(2))/\(digest)"))
    // Moved: the key is the same, the file is found at its new place after one more execution.
    try FileManager.default.removeItem(atPath: "\(workspace.store.path)/cas/\(digest.prefix(2))/\(digest)")
    try FileManager.default.moveItem(atPath: path, toPath: workspace.folder.path("moved.bin"))
    _ = try workspace.executed()
    let moved = try workspace.run(
      text.replacingOccurrences(of: "model.bin", with: "moved.bin"), store: workspace.reopened())
    #expect(moved.state == .done)
    #expect(try workspace.executed().sorted() == ["model"])
    // `use` is found through the reference too: its blob has the same bytes.
    #expect(moved["use"]?.state == .cached)
  }

  @Test func verifyFindsAFlippedBit() throws {
    let workspace = try workspace()
    try workspace.run(chain)
    #expect(try workspace.store.verify().isSound)
    let blob = try #require(try workspace.blobs().first)
    try flipBit(in: blob)
    let found = try workspace.store.verify()
    #expect(found.corrupt.map(\.hex) == [String(blob.suffix(64))])
    #expect(found.dead.count >= 1)
    let repaired = try workspace.reopened().verify(repair: true)
    #expect(repaired.corrupt.count == 1)
    #expect(try workspace.reopened().verify().isSound)
    #expect(try workspace.run(chain).state == .done)
  }
}
