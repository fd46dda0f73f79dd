import Diagnostics
import Foundation

/// The text of a small file that a command was given.
func readText(_ path: String) throws -> String {
  do {
    return try String(contentsOfFile: path, encoding: .utf8)
  } catch {
    throw Diagnostic(
      code: "file", "Cannot read `\(path)`", at: Place(file: path),
      reason: (error as NSError).localizedFailureReason ?? "it is not a text file in UTF-8")
  }
}
