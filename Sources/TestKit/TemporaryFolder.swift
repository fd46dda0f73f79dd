import Foundation

/// A folder of its own for one test, removed when the value goes away.
package final class TemporaryFolder: Sendable {
  package let path: String

  /// - Parameter place: An existing folder to make it in; the system's for temporary files unless given.
  package init(in place: String? = nil) throws {
    let place = place.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
    let url = place.appendingPathComponent("anneal-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` inside the folder.
  package func path(_ name: String) -> String { path + "/" + name }

  /// Writes a text file and gives its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    let whole = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(at: whole.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: whole)
    return whole.path
  }
}
