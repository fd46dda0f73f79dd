import Diagnostics
import Foundation
import Pipeline

extension NodeContext {
  /// A folder in which the members of an input stand under their own names, as links, for code that reads folders.
  ///
  /// It lies in the node's scratch folder and goes with it.
  func linkedFolder(_ port: String) throws -> String {
    try linkedFolder(input(port), port)
  }

  /// The same for one of several artefacts, under a name of its own.
  func linkedFolder(_ view: ArtefactView, _ name: String) throws -> String {
    let root = try scratchFolder() + "/" + name
    if try pathKind(root) == nil { try view.linkMembers(into: root) }
    return root
  }
}

extension ArtefactView {
  /// Makes a folder in which the members stand under their own names, as links.
  package func linkMembers(into root: String) throws {
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    for member in members {
      let link = URL(fileURLWithPath: root + "/" + member)
      try FileManager.default.createDirectory(at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: path(of: member))
    }
  }
}
