import PreciseJSON
import TestKit
import Testing

/// What RFC 8259 accepts and refuses, after the cases of the JSONTestSuite collection.
@Suite("JSON grammar")
struct JSONGrammarTests {
  @Test(
    "accepts",
    arguments: [
      "[]", "{}", "null", "true", "false", "0", "-0", "\"\"", " [ ] ", "\t\n\r{}\n", "[[]   ]", "[\"\"]", "[1,null]",
      "-0.1e+10", "1E22", "1e-2", "123.456e78", "[0e1]", "[0e+1]", "[20e1]", "[-1]", "[1.5,2]", "{\"\":0}",
      "{\"a\":{\"a\":{}}}", "{\"a\":[]}", "\"\\u0000\"", "\"\\uD834\\uDD1E\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
      "\"\u{7F}\"", "\"\u{2028}\u{2029}\"", "\"\u{10FFFF}\"", "\"asd \"", "[\"\u{FEFF}\"]", "\"\\uDBFF\\uDFFF\"",
      "\"\\uFFFF\"",
    ])
  func accepts(text: String) throws {
    _ = try JSON(parsing: text)
  }

  @Test(
    "refuses",
    arguments: [
      "", " ", "[", "]", "{", "}", "[1,]", "[,1]", "[1,,2]", "[,]", "{,}", "{\"a\":1,}", "{\"a\"}", "{\"a\":}", "{a:1}",
      "{'a':1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[1 2]", "[1]x", "[]]", "{}}", "nul", "nulll", "True",
      "NaN",
      "Infinity", "-Infinity", "-", "+1", "--1", "01", "-01", "1.", ".1", "-.1", "1e", "1e+", "1E-", "1.e1", "0x1",
      "1_000", "1e1.5", "2.e3", "\"", "\"a", "\"\\\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\uD800\"",
      "\"\\uDC00\"", "\"\\uD800\\u0041\"", "\"\\uD800x\"", "\"\\uD834\\uD834\"", "\"\u{1}\"", "\"a\nb\"", "\"\t\"",
      "\u{FEFF}[]", "[1]\u{0}", "\u{A0}[]", "[\u{B}1]", "// x\n1", "/* x */ 1", "[1;2]", "'a'", "\"\\", "\"\\u",
      "{\"a\":1,\"a\":2}", "{\"\\u0061\":1,\"a\":2}", "[\"a\\\u{0}\"]", "é", "\"\\é\"",
    ])
  func refuses(text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test(
    "refuses bytes that are not UTF-8",
    arguments: [
      [0xFF], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xF0, 0x9F, 0x91],
    ] as [[UInt8]])
  func refusesInvalidUTF8(bytes: [UInt8]) {
    for escape in ["", "\\n"] {
      let text = Array("[1, \"ab\(escape)".utf8) + bytes + Array("\"]".utf8)
      let error = #expect(throws: JSONError.self) { try JSON(parsing: text, file: "x") }
      #expect(error?.problem == .invalidUTF8)
      #expect(error?.byteOffset == 5)
    }
  }

  @Test("depth is bounded, on both sides of the limit")
  func depth() throws {
    func nested(_ count: Int, _ open: String, _ close: String) -> String {
      String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
    }
    let limit = JSONReader.depthLimit
    _ = try JSON(parsing: nested(limit, "[", "]"))
    _ = try JSON(parsing: nested(limit, "{\"a\":", "}"))
    for text in [
      nested(limit + 1, "[", "]"), nested(limit + 1, "{\"a\":", "}"), String(repeating: "[", count: 1 << 20),
    ] {
      let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
      #expect(error?.problem == .tooDeep(limit: limit))
    }
  }

  @Test("random damage ends in an error or a value, and a value reads back as itself")
  func fuzz() throws {
    let text = #"{"a": [1, -2.5e-3, "x\u00e9\ud83d\ude00\n", {"b": null, "c": [true, false]}], "é": "大"} "#
    var random = SeededGenerator(seed: 1)
    var accepted = 0
    for _ in 0..<20_000 {
      guard let value = try? JSON(parsing: random.damaged(Array(text.utf8)), file: "x") else { continue }
      accepted += 1
      for layout in [JSONLayout.compact, .pretty, .python, JSONLayout(escapesNonASCII: true)] {
        #expect(try JSON(parsing: value.text(layout)) == value)
      }
    }
    #expect(accepted > 100)
  }

  @Test("every beginning of a text is refused, never read past")
  func prefixes() {
    let bytes = Array(#"{"a":[1.5e3,"\ud83d\ude00é",null,true,false]}"#.utf8)
    for count in 0..<bytes.count {
      #expect(throws: JSONError.self) { try JSON(parsing: Array(bytes.prefix(count)), file: "x") }
    }
  }
}
