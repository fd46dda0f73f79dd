import Diagnostics

/// What a file is that no rows are read from, told from its bytes.
package enum ForeignFile: Sendable, Hashable {
  /// With the names of files in it that may be meant.
  case folder(files: [String])
  case signature(FileSignature)
  /// Bytes that are no text.
  case binary
  /// Lines of values between separators, below a line with these names.
  case table(columns: [String])
  /// JSON objects with commas between them that no list holds.
  case listWithoutBrackets
  /// A JSON object with more than one list of objects.
  case severalLists(members: [String])
}

extension ForeignFile {
  /// The kind that a file's first bytes tell; nil for what may be text.
  init?(_ bytes: UnsafeRawBufferPointer) {
    if let signature = FileSignature(startOf: bytes) ?? Self.wideText(bytes) {
      self = .signature(signature)
    } else if bytes.prefix(4096).contains(0) {
      self = .binary
    } else {
      return nil
    }
  }

  /// Text of 16-bit or 32-bit units without a mark, by where the zeros of brackets and Latin letters are.
  private static func wideText(_ bytes: UnsafeRawBufferPointer) -> FileSignature? {
    switch bytes.prefix(4).map({ $0 == 0 }) {
    case [false, true, false, true], [true, false, true, false]: .utf16
    case [false, true, true, true], [true, true, true, false]: .utf32
    default: nil
    }
  }
}

extension ForeignFile {
  /// What the file is, why it is not read, and what to do.
  var words: (summary: String, reason: String?, advice: String) {
    func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }
    let wanted = "rows are read from JSON and text"
    switch self {
    case .folder(let files):
      return ("The dataset is a folder", nil, "name one file in it" + (files.first.map { ", such as `\($0)`" } ?? ""))
    case .signature(.zip):
      return (
        "The file is \(FileSignature.zip.name)", "workbooks of Excel are such archives too",
        "unpack it, or save the sheet as JSON"
      )
    case .signature(.pickle):
      return (
        "The file is \(FileSignature.pickle.name)", "pickles can run code, so none is opened", "write it as JSON lines"
      )
    case .signature(let kind): return ("The file is \(kind.name)", wanted, kind.advice)
    case .binary:
      return ("The file is not text", "there are zero bytes in it", "name a file of JSON objects, or of text a line")
    case .table(let columns):
      return (
        "The file is a table with the columns \(list(columns))", wanted,
        "write it as JSON lines, in Python: `datasets.Dataset.from_csv(FILE).to_json(\"rows.jsonl\")`; `format: text` "
          + "reads each line as it is"
      )
    case .listWithoutBrackets:
      return (
        "The file's objects have commas between them, but no list holds them", nil,
        "put `[` before the first and `]` behind the last, or take the commas away"
      )
    case .severalLists(let members):
      return (
        "The file is one object with several lists: \(list(members))", "one file is one dataset",
        "write each list to a file of its own"
      )
    }
  }
}
