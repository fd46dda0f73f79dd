import Diagnostics
import Pipeline
import Testing

/// What is said about bytes that are no text for a pipeline, and texts made to blow up.
struct TextBytesTests {
  private func messages(_ bytes: [UInt8]) -> String {
    do {
      _ = try PipelineFile.load(bytes: bytes, file: "sft.yaml", registry: toyRegistry, sources: ToySources())
      return ""
    } catch {
      return diagnostics(of: error).rendered()
    }
  }

  @Test func invalidUTF8() {
    #expect(
      messages(Array("pipeline: é".utf8) + [0xFF] + Array("x\n".utf8)) == """
        sft.yaml:1:12: error: The text is not valid UTF-8 from here on
            pipeline: é\u{FFFD}x
                       ^
          why: pipeline files are UTF-8
          try: Save it as UTF-8
        """)
  }

  @Test func utf16() {
    #expect(
      messages([0xFF, 0xFE, 0x61, 0x00]) == """
        sft.yaml: error: The file is UTF-16 text
          why: pipeline files are UTF-8
          try: Save it as UTF-8
        """)
  }

  @Test func controlCharacter() {
    #expect(
      messages(Array("pipeline: a\u{7}b\n".utf8)) == """
        sft.yaml:1:12: error: Character U+0007 may not stand in a pipeline file
            pipeline: a\u{FFFD}b
                       ^
        """)
  }

  @Test func tooLarge() {
    #expect(
      messages([UInt8](repeating: 0x23, count: (16 << 20) + 1)) == """
        sft.yaml: error: The file is too large for a pipeline
          why: it has 16777217 bytes; at most 16777216 are read
        """)
  }

  @Test func byteOrderMarkAndCarriageReturns() throws {
    let text = goodPipeline.split(separator: "\n").joined(separator: "\r\n")
    let pipeline = try PipelineFile.load(
      bytes: [0xEF, 0xBB, 0xBF] + Array(text.utf8), file: "sft.yaml", registry: toyRegistry, sources: ToySources())
    #expect(pipeline.nodes.map(\.planKey) == (try load(goodPipeline)).nodes.map(\.planKey))
    let tab = [0xEF, 0xBB, 0xBF] + Array("pipeline: @\r\n".utf8)
    #expect(messages(tab).hasPrefix("sft.yaml:1:11: error: "))
  }

  @Test func aliasBomb() {
    var text = "pipeline: sft\nparams:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      text += "  a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(
      messages(Array(text.utf8)) == """
        sft.yaml:6:47: error: Alias `*a2` makes the file too large
              a3: &a3 [*a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2]
                                                          ^
          at `params.a3[7]`
          why: all aliases together may stand for at most 10000 values
        """)
  }

  @Test func paramsThatGrow() {
    var text = "pipeline: sft\nparams:\n  a0: xxxxxxxxxx\n"
    for level in 1...30 { text += "  a\(level): ${a\(level - 1)}${a\(level - 1)}\n" }
    text += "nodes:\n  rows: {type: load_dataset, from: \"${a30}\"}\n"
    #expect(
      messages(Array(text.utf8)) == """
        sft.yaml:20:8: error: Params make this value too large
              a17: ${a16}${a16}
                   ^
          at `params.a17`
        """)
  }

  @Test func nestedTooDeeply() {
    let open = String(repeating: "[", count: 100)
    #expect(messages(Array("pipeline: \(open)".utf8)).contains("error: Lists and maps are nested too deeply"))
    #expect(messages(Array("\(String(repeating: "[", count: 100_000))".utf8)).contains("nested too deeply"))
  }
}
