import Foundation

/// A case of `Tests/Fixtures/BrokenPipelines`: the files of a broken pipeline, and what is said about them.
///
///     === A title
///     schema: refuses
///     --- pipeline.yaml
///     pipeline: …
///     --- says
///     pipeline.yaml:3:5: error: …
struct BrokenPipeline {
  /// Why a JSON Schema cannot refuse a file that is wrong.
  static let reasons: Set = [
    "names",  // what nodes, outputs, params and groups are called elsewhere in the file
    "files",  // what is in other files, or whether they are there
    "together",  // what several fields say together, which are each right
    "grammar",  // the inside of a text: an expression, a day, a command
    "notation",  // how a value is written that is right in itself
    "params",  // a value that comes from a param
    "amounts",  // lists and maps whose elements are right but which are empty, or too many
  ]

  var title: String
  /// Why the schema passes the file; nil when it does not.
  var beyondSchema: String?
  var files: [(name: String, text: String)] = []
  var words = ""

  var text: String { files.first?.text ?? "" }

  static func read(_ path: String) throws -> [BrokenPipeline] {
    var cases: [BrokenPipeline] = []
    var part: String?
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    for line in lines.dropLast() {
      if line.hasPrefix("=== ") {
        cases.append(BrokenPipeline(title: String(line.dropFirst(4))))
        part = nil
      } else if line.hasPrefix("--- ") {
        part = String(line.dropFirst(4))
        if let part, part != "says" { cases[cases.count - 1].files.append((part, "")) }
      } else if part == nil {
        if line.hasPrefix("schema: passes, ") {
          cases[cases.count - 1].beyondSchema = String(line.dropFirst("schema: passes, ".count))
        }
      } else if part == "says" {
        cases[cases.count - 1].words += line + "\n"
      } else {
        let last = cases[cases.count - 1].files.count - 1
        cases[cases.count - 1].files[last].text += line + "\n"
      }
    }
    return cases
  }

  static func write(_ cases: [BrokenPipeline], to path: String) throws {
    let text = cases.map { one in
      "=== \(one.title)\nschema: \(one.beyondSchema.map { "passes, \($0)" } ?? "refuses")\n"
        + one.files.map { "--- \($0.name)\n\($0.text)" }.joined() + "--- says\n\(one.words)"
    }.joined()
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }
}
