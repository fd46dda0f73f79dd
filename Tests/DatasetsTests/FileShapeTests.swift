import Datasets
import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing

/// What a file is called decides nothing; what is in it tells how its rows are laid out.
@Suite struct FileShapeTests {
  /// Reads a file under several names and gives what came out: the rows, or the words of the error.
  private func read(_ bytes: [UInt8], format: RowFormat? = nil, names: [String] = Self.names) throws -> String {
    let folder = try TemporaryFolder()
    var results: Set<String> = []
    for name in names {
      let path = folder.path(name)
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      var rows: [String] = []
      do {
        let shape = try RowReader.read(path: path, format: format) { row in
          rows.append("\(row.line.map(String.init) ?? "-") \(JSON.object(row.columns).text())")
        }
        results.insert("\(shape.words ?? "lines")\n" + rows.joined(separator: "\n"))
      } catch let error as any DiagnosticError {
        results.insert(error.diagnostics.rendered().replacing(path, with: "FILE"))
      }
    }
    #expect(results.count == 1, "the name decides: \(results)")
    return results.first ?? ""
  }

  private func read(_ text: String, format: RowFormat? = nil) throws -> String {
    try read(Array(text.utf8), format: format)
  }

  private static let names = ["d.jsonl", "d.json", "d.txt", "d.csv", "d"]

  @Test(arguments: [
    (#"{"a":1}"# + "\n\n" + #"{"a":2}"#, "lines\n1 {\"a\":1}\n3 {\"a\":2}"),
    ("\u{FEFF}" + #"{"a":1}"# + "\r\n" + #"{"a":2}"# + "\r\n", "lines\n1 {\"a\":1}\n2 {\"a\":2}"),
    (#"[{"a":1},{"a":2}]"#, "the file is one JSON list\n1 {\"a\":1}\n1 {\"a\":2}"),
    (
      "[\n  {\"a\": \"]\\\"\"},\n  {\n    \"a\": 2}\n]\n", "the file is one JSON list\n2 {\"a\":\"]\\\"\"}\n3 {\"a\":2}"
    ),
    ("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", "the file is JSON objects one after another\n1 {\"a\":1}\n4 {\"a\":2}"),
    (#"{"a":1} {"a":2}"#, "the file is JSON objects one after another\n1 {\"a\":1}\n1 {\"a\":2}"),
    (
      #"{"version": "1", "data": [{"a":1}, {"a":2}], "n": 2}"#,
      "the rows are the list `data` of the file's only object; not read beside it: [`version`, `n`]\n"
        + "1 {\"a\":1}\n1 {\"a\":2}"
    ),
    ("{\n\"rows\": [\n{\"a\":1}]\n}", "the rows are the list `rows` of the file's only object\n3 {\"a\":1}"),
    ("one\r\n\n two \n", "the file is text, a row a line\n1 {\"text\":\"one\"}\n3 {\"text\":\" two \"}"),
    ("[music] la\nla", "the file is text, a row a line\n1 {\"text\":\"[music] la\"}\n2 {\"text\":\"la\"}"),
    ("Well, yes\nNo, no", "the file is text, a row a line\n1 {\"text\":\"Well, yes\"}\n2 {\"text\":\"No, no\"}"),
    ("\"Hi\" she said", "the file is text, a row a line\n1 {\"text\":\"\\\"Hi\\\" she said\"}"),
  ]) func shapesAreToldByContent(text: String, expected: String) throws {
    #expect(try read(text) == expected)
  }

  /// One row whose own column holds a list of objects is no wrapping.
  @Test func aSingleRowIsARow() throws {
    let row = #"{"messages":[{"role":"user","content":"Q"}],"extra":[{"b":1}]}"#
    #expect(try read(row) == "lines\n1 \(row)")
  }

  /// `format: text` has one meaning: JSON rows give their column, other files a row a line, tables too.
  @Test func textOfJSONIsItsColumn() throws {
    #expect(try read(#"{"text":"x"}"# + "\n" + #"{"text":"y"}"#, format: .text).hasPrefix("lines\n1 {\"text\":\"x\"}"))
    #expect(try read("{ int x; }\n}", format: .text).hasPrefix("the file is text"))
    #expect(
      try read("text,label\nx,1", format: .text)
        == "the file is text, a row a line\n1 {\"text\":\"text,label\"}\n2 {\"text\":\"x,1\"}")
  }

  @Test(arguments: [
    ("a,b", "d.csv"), ("Hello,world\nA line of prose.", "d.txt"), ("a,b\n1,2,3", "d.txt"),
    ("# notes\n{\"a\":1}", "d.md"),
  ]) func doubtfulFilesAreText(text: String, name: String) throws {
    #expect(try read(Array(text.utf8), names: [name]).hasPrefix("the file is text"))
  }

  static let foreign: [(bytes: [UInt8], words: String)] = [
    (
      [0x1F, 0x8B, 8, 0, 0],
      """
      FILE: error: The file is a gzip archive
        why: rows are read from JSON and text
        try: unpack it with `gunzip`
      """
    ),
    (
      [0x28, 0xB5, 0x2F, 0xFD, 4],
      """
      FILE: error: The file is a Zstandard archive
        why: rows are read from JSON and text
        try: unpack it with `unzstd`
      """
    ),
    (
      Array("PAR1".utf8) + [0x15, 0],
      """
      FILE: error: The file is a Parquet file
        why: rows are read from JSON and text
        try: convert it to JSON Lines: `datasets.load_dataset(…).to_json("rows.jsonl")` in Python
      """
    ),
    (
      Array("ARROW1\0\0".utf8),
      """
      FILE: error: The file is an Arrow file
        why: rows are read from JSON and text
        try: convert it to JSON Lines: `datasets.load_dataset(…).to_json("rows.jsonl")` in Python
      """
    ),
    (
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n".utf8),
      """
      FILE: error: The file is a Git LFS pointer
        why: rows are read from JSON and text
        try: fetch the file itself: `git lfs install`, then `git lfs pull` in the folder it was cloned to
      """
    ),
    (
      [0xFF, 0xFE] + utf16("{\"a\":1}\n"),
      """
      FILE: error: The file is UTF-16 text
        why: rows are read from JSON and text
        try: save it as UTF-8, such as `iconv -f UTF-16 -t UTF-8`
      """
    ),
    (
      utf16("{\"a\":1}\n"),
      """
      FILE: error: The file is UTF-16 text
        why: rows are read from JSON and text
        try: save it as UTF-8, such as `iconv -f UTF-16 -t UTF-8`
      """
    ),
    (
      Array("PK\u{3}\u{4}".utf8),
      """
      FILE: error: The file is a zip archive
        why: workbooks of Excel are such archives too
        try: unpack it, or save the sheet as JSON
      """
    ),
    (
      Array("\n<!DOCTYPE html><html>".utf8),
      """
      FILE: error: The file is a web page
        why: rows are read from JSON and text
        try: fetch the file again; this is what the server said instead
      """
    ),
    (
      Array("one\0two".utf8),
      """
      FILE: error: The file is not text
        why: there are zero bytes in it
        try: name a file of JSON objects, or of text a line
      """
    ),
    (
      Array("instruction,output\nI,O\n".utf8),
      """
      FILE: error: The file is a table with the columns [`instruction`, `output`]
        why: rows are read from JSON and text
        try: write it as JSON lines, in Python: `datasets.Dataset.from_csv(FILE).to_json("rows.jsonl")`; `format: text` \
      reads each line as it is
      """
    ),
    (
      Array("问题,答案\n\"你好,你是谁\",我是小安\n再见,再见\n".utf8),
      """
      FILE: error: The file is a table with the columns [`问题`, `答案`]
        why: rows are read from JSON and text
        try: write it as JSON lines, in Python: `datasets.Dataset.from_csv(FILE).to_json("rows.jsonl")`; `format: text` \
      reads each line as it is
      """
    ),
    (
      Array("<?xml version=\"1.0\"?><rows/>".utf8),
      """
      FILE: error: The file is an XML file
        why: rows are read from JSON and text
        try: take out of it what is wanted first
      """
    ),
    (
      Array("{\"a\":1},\n{\"a\":2}\n".utf8),
      """
      FILE: error: The file's objects have commas between them, but no list holds them
        try: put `[` before the first and `]` behind the last, or take the commas away
      """
    ),
    (
      Array(#"{"train":[{"a":1}],"test":[{"a":2}]}"#.utf8),
      """
      FILE: error: The file is one object with several lists: [`train`, `test`]
        why: one file is one dataset
        try: write each list to a file of its own
      """
    ),
  ]

  @Test(arguments: foreign.indices) func otherFilesAreNamed(index: Int) throws {
    let (bytes, words) = Self.foreign[index]
    #expect(try read(bytes) == words)
  }

  @Test func aFolderIsNamedWithAFileInIt() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("{}", to: "b.jsonl")
    _ = try folder.write("", to: "a.md")
    do {
      try RowReader.read(path: folder.path) { _ in }
      Issue.record("accepted")
    } catch let error as DatasetError {
      #expect(
        error.diagnostics.rendered().replacing(folder.path, with: "FOLDER") == """
          FOLDER: error: The dataset is a folder
            try: name one file in it, such as `b.jsonl`
          """)
    }
  }

  @Test(arguments: [
    ("[{\"a\":1},\n {\"a\":}]", "FILE:2:7, byte 16: error: Invalid JSON: found `}` where a value was expected"),
    (
      "[{\"a\":1} {\"a\":2}]",
      "FILE:1, row 2: error: The list of rows is broken: found `{` where `,` or `]` was expected"
    ),
    ("[{\"a\":1},]", "FILE:1:10, byte 9: error: Invalid JSON: found `]` where a value was expected"),
    ("[{\"a\":1}", "FILE:1, row 2: error: The list of rows is broken: the file ends where `,` or `]` was expected"),
    (
      "[{\"a\":1}] x",
      "FILE:1, row 2: error: The list of rows is broken: found `x` where the end of the file was expected"
    ),
    ("[{\"é\":1},1]", "FILE:1, row 2: error: The row is a number, not an object"),
    ("[{\"é\":1},{\"a\":1,}]", "FILE:1:17, byte 17: error: Invalid JSON: found `}` where a key was expected"),
    ("{\n \"a\": 1\n", "FILE:3:1, byte 10: error: Invalid JSON: the text ends too early"),
    ("{\"a\": \"x\n{\"a\": 1}", "FILE:1:9, byte 8: error: Invalid JSON: the text ends too early"),
    ("{\"a\":1}\n{\"a\":2,\n{\"a\":3}", "FILE:2:8, byte 15: error: Invalid JSON: the text ends too early"),
    ("a\":1}\n{\"a\":2}\n{\"a\":3}", "FILE:1:1, byte 0: error: Invalid JSON: found `a` where a value was expected"),
  ]) func brokenFilesNameOnePlace(text: String, words: String) throws {
    #expect(try read(text) == words)
  }

  /// Rows are found one by one, so a list needs no more memory than its longest row.
  @Test func stretchesCoverEveryRow() throws {
    let text = "[" + (0..<500).map { "{\"n\": \($0)}" }.joined(separator: " ,\n") + "]"
    var copy = text
    copy.withUTF8 { buffer in
      var stretches = RowStretches(UnsafeRawBufferPointer(buffer), shape: .list)
      var found: [String] = []
      while let stretch = stretches.next() {
        #expect(stretch.line == found.count + 1)
        found.append(String(decoding: buffer[stretch.range], as: UTF8.self))
      }
      #expect(found == (0..<500).map { "{\"n\": \($0)}" })
    }
  }
}

private func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } }
