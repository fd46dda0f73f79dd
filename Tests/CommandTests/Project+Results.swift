import Foundation
import PreciseJSON
import TestKit
import Testing

extension Project {
  /// A run as `anneal show --json` tells it; the newest unless named.
  func shown(_ run: String? = nil) throws -> JSON {
    let outcome = try start(["show"] + (run.map { [$0] } ?? []) + ["--json"]).1()
    return try JSON(parsing: outcome.output)
  }

  /// The digest of the artefact at an output of a node in the newest run.
  func digest(_ node: String, _ port: String) throws -> String {
    let nodes = try shown()["nodes"]?.array ?? []
    let found = nodes.first { $0["name"]?.string == node }
    return try #require(found?["outputs"]?[port]?["digest"]?.string)
  }

  /// Replaces text in the pipeline file.
  func edit(_ old: String, _ new: String) throws {
    let path = folder.path("pipeline.yaml")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(old), "the pipeline has no `\(old)`")
    try folder.write(text.replacing(old, with: new), to: "pipeline.yaml")
  }

  /// The log of a node in the newest run.
  func log(_ node: String) throws -> String { try anneal("logs", node).output }

  /// Every blob of the store.
  func blobs() throws -> [String] {
    let root = folder.path("store/cas")
    let names = try FileManager.default.subpathsOfDirectory(atPath: root)
    return names.map { root + "/" + $0 }.filter { path in
      (try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType) == .typeRegular
    }.sorted()
  }

  /// Changes one byte in the middle of a file, keeping its size.
  func flipByte(_ path: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    guard !bytes.isEmpty else { return }
    bytes[bytes.count / 2] ^= 0x10
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.write(contentsOf: bytes)
    try handle.close()
  }
}
