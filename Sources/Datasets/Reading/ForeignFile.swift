/// What a file is that no rows are read from, told from its bytes.
package enum ForeignFile: Sendable, Hashable {
  /// With the names of files in it that may be meant.
  case folder(files: [String])
  case compressed(Compression)
  case zip
  /// A columnar format of Apache.
  case columnar(String)
  case pickle
  case pdf
  case database
  case webPage
  case gitLFSPointer
  /// Text of 16-bit or 32-bit units.
  case wideText(String)
  /// Bytes that are no text.
  case binary
  /// Lines of values between separators, below a line with these names.
  case table(columns: [String])
  /// JSON objects with commas between them that no list holds.
  case listWithoutBrackets
  /// A JSON object with more than one list of objects.
  case severalLists(members: [String])

  package enum Compression: String, Sendable {
    case gzip
    case zstd
    case xz
    case bzip2
  }
}

extension ForeignFile {
  /// The kind that a file's first bytes tell; nil for what may be text.
  init?(_ bytes: UnsafeRawBufferPointer) {
    func starts(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
    func starts(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
    if starts([0x1F, 0x8B]) {
      self = .compressed(.gzip)
    } else if starts([0x28, 0xB5, 0x2F, 0xFD]) {
      self = .compressed(.zstd)
    } else if starts([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
      self = .compressed(.xz)
    } else if starts("BZh") && bytes.dropFirst(3).first.map({ (0x31...0x39).contains($0) }) == true {
      self = .compressed(.bzip2)
    } else if starts([0x50, 0x4B, 0x03, 0x04]) {
      self = .zip
    } else if starts("PAR1") {
      self = .columnar("Parquet")
    } else if starts("ARROW1") || starts([0xFF, 0xFF, 0xFF, 0xFF]) {
      self = .columnar("Arrow")
    } else if starts("FEA1") {
      self = .columnar("Feather")
    } else if starts("SQLite format 3\0") {
      self = .database
    } else if starts("%PDF-") {
      self = .pdf
    } else if starts([0x80, 0x02]) || starts([0x80, 0x03]) || starts([0x80, 0x04]) || starts([0x80, 0x05]) {
      self = .pickle
    } else if starts("version https://git-lfs.github.com/spec/") {
      self = .gitLFSPointer
    } else if let width = Self.wideText(bytes) {
      self = .wideText(width)
    } else if bytes.prefix(4096).contains(0) {
      self = .binary
    } else if Self.isWebPage(bytes) {
      self = .webPage
    } else {
      return nil
    }
  }

  /// `UTF-16` or `UTF-32`, by the mark or by where the zeros of Latin letters and brackets are.
  private static func wideText(_ bytes: UnsafeRawBufferPointer) -> String? {
    let head = Array(bytes.prefix(4))
    if head == [0xFF, 0xFE, 0, 0] || head == [0, 0, 0xFE, 0xFF] { return "UTF-32" }
    if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
    switch head.map({ $0 == 0 }) {
    case [false, true, false, true], [true, false, true, false]: return "UTF-16"
    case [false, true, true, true], [true, true, true, false]: return "UTF-32"
    default: return nil
    }
  }

  private static func isWebPage(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let head = bytes[FileShape.start(bytes)...].prefix(15)
    let text = String(decoding: head, as: UTF8.self).lowercased()
    return text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
  }
}

extension ForeignFile {
  /// What the file is, why it is not read, and what to do.
  var words: (summary: String, reason: String?, advice: String) {
    switch self {
    case .folder(let files):
      ("The dataset is a folder", nil, "name one file in it" + (files.first.map { ", such as `\($0)`" } ?? ""))
    case .compressed(let kind):
      ("The file is compressed with \(kind)", nil, "unpack it first: `\(kind.command)`")
    case .zip:
      ("The file is a ZIP archive", "workbooks of Excel are such archives too", "unpack it, or save the sheet as JSON")
    case .columnar(let name):
      (
        "The file is in Apache \(name)'s format", "rows are read from JSON and text",
        "write it as JSON lines, in Python: `datasets.Dataset.from_\(name == "Parquet" ? "parquet" : "file")(FILE)"
          + ".to_json(\"rows.jsonl\")`"
      )
    case .pickle: ("The file is a Python pickle", "pickles can run code, so none is opened", "write it as JSON lines")
    case .pdf: ("The file is a PDF document", nil, "take its text out first, for example with `pdftotext`")
    case .database: ("The file is an SQLite database", nil, "write the table as JSON lines")
    case .webPage:
      (
        "The file is a web page (HTML)", "a download often gives the page about a file in place of the file",
        "fetch the file itself"
      )
    case .gitLFSPointer:
      (
        "The file is a Git LFS pointer, not the data", "the repository was cloned without its large files",
        "run `git lfs pull` in the repository"
      )
    case .wideText(let width):
      (
        "The file is \(width) text", "datasets are UTF-8",
        "save it as UTF-8: `iconv -f \(width) -t UTF-8 FILE > rows.jsonl`"
      )
    case .binary:
      ("The file is not text", "there are zero bytes in it", "name a file of JSON objects, or of text a line")
    case .table(let columns):
      (
        "The file is a table with the columns [\(columns.map { "`\($0)`" }.joined(separator: ", "))]",
        "rows are read from JSON and text",
        "write it as JSON lines, in Python: `datasets.Dataset.from_csv(FILE).to_json(\"rows.jsonl\")`; `format: text` "
          + "reads each line as it is"
      )
    case .listWithoutBrackets:
      (
        "The file's objects have commas between them, but no list holds them", nil,
        "put `[` before the first and `]` behind the last, or take the commas away"
      )
    case .severalLists(let members):
      (
        "The file is one object with several lists: [\(members.map { "`\($0)`" }.joined(separator: ", "))]",
        "one file is one dataset", "write each list to a file of its own"
      )
    }
  }
}

extension ForeignFile.Compression {
  fileprivate var command: String {
    switch self {
    case .gzip: "gunzip -k FILE"
    case .zstd: "zstd -d FILE"
    case .xz: "unxz -k FILE"
    case .bzip2: "bunzip2 -k FILE"
    }
  }
}
