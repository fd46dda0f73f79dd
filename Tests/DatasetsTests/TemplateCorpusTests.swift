import ChatTemplates
import Datasets
import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing

/// Conversations with thoughts, tools, ids, names, null contents and parts, by templates that use them: the text is
/// transformers' to the character, and what it refuses is refused.
///
/// `scripts/reference/template_corpus.py` made the texts; it compares many real templates on demand.
@Suite struct TemplateCorpusTests {
  private static let fixture = Result {
    let data = try Data(contentsOf: URL(fileURLWithPath: TestKit.fixture("ChatTemplates/corpus.json")))
    return try data.withUnsafeBytes { try JSONReader.read($0, file: "corpus.json") }
  }

  @Test(arguments: ["thoughts", "calls", "parts", "strict", "markup"])
  func textsAreThoseOfTransformers(name: String) throws {
    let fixture = try Self.fixture.get()
    let template = try #require(fixture["templates"]?.array?.first { $0["name"]?.string == name })
    let tokens = (fixture["tokens"]?.object?.members ?? []).reduce(into: [:]) { $0[$1.key] = $1.value.string }
    let renderer = RecordRenderer(
      templates: ChatTemplateSet(try ChatTemplate(source: template["source"]?.string ?? "", name: name)),
      specialTokens: tokens, endMarks: ["<|end|>", "</s>"])
    let rows = try #require(fixture["rows"]?.array)
    #expect(rows.count == 50)
    for (index, (row, expected)) in zip(rows, template["texts"]?.array ?? []).enumerated() {
      let messages = (row["messages"]?.array ?? []).compactMap { ChatMessage(json: $0) }
      let record = Record.conversation(Conversation(messages: messages, tools: row["tools"]))
      do {
        let text = try renderer.render(record).record.texts.joined()
        #expect(text.utf8.elementsEqual((expected.string ?? "refused").utf8), "row \(index + 1): \(text)")
      } catch let error as any DiagnosticError {
        #expect(expected.string == nil, "row \(index + 1): \(error.diagnostics.rendered())")
      }
    }
  }
}
