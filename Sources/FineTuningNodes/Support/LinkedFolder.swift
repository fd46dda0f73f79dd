import Foundation
import Pipeline

/// A temporary folder in which an artefact's members stand under their own names, as links, for code that reads
/// folders. It is removed with this object.
final class LinkedFolder {
  let path: String

  /// - Parameter prefix: Takes only the members below this folder of the artefact, such as `base`.
  /// - Throws: What the store says of members that are lost, or the system of the folder.
  init(_ view: ArtefactView, prefix: String? = nil) throws {
    let start = prefix.map { $0 + "/" } ?? ""
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("anneal-\(UUID().uuidString)")
    path = root.path
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    for member in view.members where member.hasPrefix(start) {
      let link = root.appendingPathComponent(String(member.dropFirst(start.count)))
      try FileManager.default.createDirectory(
        at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: view.path(of: member))
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
