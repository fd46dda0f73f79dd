import Diagnostics
import Testing

@Suite("Diagnostics in words")
struct RenderingTests {
  private let whole = Diagnostic(
    code: "unknown-field", "Unknown field `learning_rat`", at: Place(file: "sft.yaml", line: 9, column: 5),
    path: "nodes.sft.learning_rat", excerpt: .init(line: "    learning_rat: 1e-4", column: 5),
    reason: "node type `train` has no such field", advice: "`learning_rate`",
    related: [.init("the node starts here", at: Place(file: "sft.yaml", line: 7))])

  @Test("every part stands on its line, the caret under its column")
  func wholeText() {
    #expect(
      whole.rendered() == """
        sft.yaml:9:5: error: Unknown field `learning_rat`
                learning_rat: 1e-4
                ^
          at `nodes.sft.learning_rat`
          why: node type `train` has no such field
          try: `learning_rate`
          see: sft.yaml:7: the node starts here
        """)
  }

  @Test("what is not known is left out")
  func bareText() {
    #expect(Diagnostic(.warning, code: "x", "Node `a` is not used").rendered() == "warning: Node `a` is not used")
  }

  @Test("tabs before the caret keep their width, scalars above the BMP count as one column")
  func caretPadding() {
    let excerpt = Diagnostic.Excerpt(line: "\t👩: x", column: 5)
    #expect(Diagnostic(code: "x", "Bad", excerpt: excerpt).rendered() == "error: Bad\n    \t👩: x\n    \t   ^")
  }

  @Test("colour changes nothing but escapes")
  func colour() {
    var text = whole.rendered(color: true)
    #expect(text.contains("\u{1B}[31merror:\u{1B}[0m"))
    for code in ["[0m", "[1m", "[31m"] {
      text = text.split(separator: "\u{1B}" + code, omittingEmptySubsequences: false).joined()
    }
    #expect(text == whole.rendered())
  }

  @Test(
    "places say what is known",
    arguments: [
      (Place(file: "a"), "a"), (Place(file: "a", line: 3), "a:3"), (Place(file: "a", column: 3), "a"),
      (Place(file: "a.jsonl", line: 3, column: 1, row: 3), "a.jsonl:3:1, row 3"),
      (Place(file: "m.gguf", byteOffset: 4096), "m.gguf, byte 4096"),
    ])
  func places(place: Place, text: String) {
    #expect(place.description == text)
  }

  @Test("foreign errors get words too, lists keep their order")
  func foreignErrors() {
    struct Foreign: Error {}
    #expect(diagnostics(of: Foreign()).map(\.summary) == ["Foreign()"])
    let list = [whole, Diagnostic(.warning, code: "x", "Y")]
    #expect(diagnostics(of: DiagnosticList(list)) == list)
    #expect(list.hasErrors)
    #expect(!list.dropFirst().map { $0 }.hasErrors)
    #expect(list.rendered().hasSuffix("the node starts here\nwarning: Y"))
  }
}
