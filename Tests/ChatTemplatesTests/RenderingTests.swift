import ChatTemplates
import Diagnostics
import PreciseJSON
import Testing

/// Whole conversations against transformers' own chat template code.
@Suite struct RenderingTests {
  @Test func smolLM2RendersAsTransformersDoes() throws {
    let template = try template("smollm2")
    let chats = try #require(try reference("conversations.json").array)
    let expected = try #require(try reference("smollm2.json").array)
    #expect(chats.count == 200 && expected.count == 200)
    for (index, (chat, text)) in zip(chats, expected).enumerated() {
      let rendered = try template.render(messages(chat), addGenerationPrompt: index % 2 == 1).text
      #expect(rendered.isSame(as: text.string ?? ""), "conversation \(index)")
    }
  }

  @Test func theFamiliesRenderAsTransformersDoes() throws {
    let reference = try reference("families.json")
    let tokens = (reference["tokens"]?.object?.members ?? []).reduce(into: [:]) { $0[$1.key] = $1.value.string }
    let cases = try #require(reference["cases"]?.array)
    var templates: [String: ChatTemplate] = [:]
    for item in cases {
      let name = try #require(item["template"]?.string)
      let template = try templates[name] ?? template(name)
      templates[name] = template
      let chat = try #require(item["messages"])
      do {
        let rendered = try template.render(
          messages(chat), tools: item["tools"]?.bool == true ? reference["tools"] : nil,
          addGenerationPrompt: item["prompt"]?.bool == true, specialTokens: tokens,
          variables: item["variables"]?.object ?? JSONObject(), clock: frozen)
        let expected = item["text"]?.string ?? "error \(item["error"]?.string ?? "")"
        #expect(rendered.text.isSame(as: expected), "\(name): \(chat)")
        for span in rendered.spans { try check(span, in: rendered.text, of: chat) }
      } catch let error as TemplateError {
        #expect(item["error"] != nil, "\(name): \(chat): \(error.diagnostics.rendered())")
      }
    }
    #expect(templates.count >= 9)
  }

  /// A span with an offset repeats its field to the character.
  private func check(_ span: RenderedText.Span, in text: String, of chat: JSON) throws {
    guard let offset = span.offset, !span.field.contains("["), !span.field.contains(".") else { return }
    let field = try #require(chat.array?[span.message][span.field]?.string)
    let scalars = Array(text.unicodeScalars)[span.range]
    let source = Array(field.unicodeScalars)
    #expect(Array(scalars) == Array(source[offset..<offset + span.range.count]))
  }
}
