import Diagnostics
import Foundation

/// The folders in which Hugging Face's programs keep what they have fetched.
package struct HubCache: Sendable {
  let folders: [String]

  /// - Parameter environment: Says where the folders are, as `huggingface_hub` reads it.
  package init(environment: [String: String]) {
    let home =
      environment["HF_HOME"]
      ?? (environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { "\($0)/.cache" }).map { "\($0)/huggingface" }
    folders = [environment["HF_HUB_CACHE"] ?? home.map { "\($0)/hub" }].compactMap { $0 }
  }

  /// Whether a text may be the name of a repository: `org/name`, and no name of a file.
  static func isName(_ text: String) -> Bool {
    if [".gguf", ".json", ".jsonl", ".txt"].contains(where: text.hasSuffix) { return false }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        part.first.map { $0.isLetter || $0.isNumber } == true
          && part.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-".unicodeScalars.contains($0)
          }
      }
  }

  /// The folder of a repository at a revision; nil when it was not fetched.
  ///
  /// - Throws: ``LookError``
  func snapshot(of name: String, revision: String, in others: [String]) throws -> String? {
    for folder in others + folders {
      let repository = "\(folder)/models--\(name.replacing("/", with: "--"))"
      let reference = try? String(contentsOfFile: "\(repository)/refs/\(revision)", encoding: .utf8)
      let commit = reference?.filter { !$0.isWhitespace } ?? revision
      let path = "\(repository)/snapshots/\(commit)"
      if !commit.isEmpty, try pathKind(path) == .folder { return path }
    }
    return nil
  }
}
