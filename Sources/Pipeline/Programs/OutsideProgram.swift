import PreciseJSON
import Threads

/// A program of somebody else's with all that it sees of the world: its words, its environment, its folder.
package struct OutsideProgram: Sendable, Hashable {
  /// The program's file.
  package var file: String
  /// Its name as the user wrote it, and its arguments.
  package var words: [String]
  package var environment: [String: String]
  /// Where it is started.
  package var folder: String

  /// Nil where there is no such program: along `PATH` of its environment, or from its folder when its name has a slash.
  package init?(_ words: [String], environment: [String: String], folder: String) {
    guard let name = words.first, let file = programFile(name, in: folder, along: environment["PATH"] ?? "") else {
      return nil
    }
    self.init(file: file, words: words, environment: environment, folder: folder)
  }

  init(file: String, words: [String], environment: [String: String], folder: String) {
    self.file = file
    self.words = words
    self.environment = environment
    self.folder = folder
  }

  /// A line for a guard to read.
  var line: String {
    let json: JSON = [
      "file": JSON(file), "words": .array(words.map { JSON($0) }),
      "environment": JSON(environment.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value)) }),
      "folder": JSON(folder),
    ]
    return json.text() + "\n"
  }

  /// - Parameter line: As ``line`` has it; nil for anything else.
  init?(line: [UInt8]) {
    guard let json = try? JSON(parsing: line, file: "guard"), let file = json["file"]?.string,
      let words = json["words"]?.array?.compactMap(\.string), let folder = json["folder"]?.string,
      let environment = json["environment"]?.object
    else { return nil }
    self.init(
      file: file, words: words,
      environment: Dictionary(environment.members.map { ($0.key, $0.value.string ?? "") }) { first, _ in first },
      folder: folder)
  }
}
