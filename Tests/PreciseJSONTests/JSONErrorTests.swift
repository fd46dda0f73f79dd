import Diagnostics
import PreciseJSON
import Testing

@Suite("JSON errors are located and worded")
struct JSONErrorTests {
  @Test(
    "exact words",
    arguments: [
      ("{\"a\": 1,\n \"b\": }", "x.json:2:7, byte 15: error: Invalid JSON: found `}` where a value was expected"),
      ("[1,", "x.json:1:4, byte 3: error: Invalid JSON: the text ends too early"),
      ("[\"é\", 01]", "x.json:1:7, byte 7: error: Invalid JSON: this is not a number"),
      ("[\"\\q\"]", "x.json:1:3, byte 2: error: Invalid JSON: unknown escape in a string"),
      ("[\"\\uD800\"]", "x.json:1:3, byte 2: error: Invalid JSON: half of a surrogate pair stands alone in a string"),
      ("[\"a\u{1}\"]", "x.json:1:4, byte 3: error: Invalid JSON: control character 1 must be escaped in a string"),
      ("{\"a\":1,\n\"a\":2}", "x.json:2:1, byte 8: error: Invalid JSON: the key `a` stands twice in one object"),
      ("1 2", "x.json:1:3, byte 2: error: Invalid JSON: text follows after the value"),
      ("[é]", "x.json:1:2, byte 1: error: Invalid JSON: found `byte 195` where a value was expected"),
      ("[tru]", "x.json:1:5, byte 4: error: Invalid JSON: found `]` where `true` was expected"),
      ("{\"a\" 1}", "x.json:1:6, byte 5: error: Invalid JSON: found `1` where `:` was expected"),
    ])
  func words(text: String, words: String) {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: text, file: "x.json") }
    #expect(error?.diagnostics.rendered() == words)
  }

  @Test("a line inside a file is located in the file")
  func origin() {
    let error = #expect(throws: JSONError.self) {
      try Array("{\"a\":!}".utf8).withUnsafeBytes {
        try JSONReader.read($0, file: "rows.jsonl", origin: (byteOffset: 100, line: 7))
      }
    }
    #expect(error?.line == 7)
    #expect(error?.column == 6)
    #expect(error?.byteOffset == 105)
  }
}
