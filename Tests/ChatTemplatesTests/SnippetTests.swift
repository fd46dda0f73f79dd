import ChatTemplates
import Diagnostics
import PreciseJSON
import Testing

/// Small sources against the text, or the refusal, of jinja2 in transformers' environment.
@Suite struct SnippetTests {
  @Test func everySnippetGivesWhatJinjaGives() throws {
    let reference = try reference("snippets.json")
    let context = try #require(reference["context"]?.object)
    let cases = try #require(reference["cases"]?.array)
    #expect(cases.count >= 150)
    for (index, item) in cases.enumerated() {
      let source = try #require(item["source"]?.string)
      let found: String
      do {
        found = try ChatTemplate(source: source, name: "snippet").render([], variables: context, clock: frozen).text
      } catch {
        let words = diagnostics(of: error).map(\.summary)
        #expect(
          item["text"] == nil, "snippet \(index): \(source)\nfails: \(words)\nexpected: \(item["text"]?.string ?? "")")
        continue
      }
      guard let expected = item["text"]?.string else {
        Issue.record("snippet \(index): \(source)\ngives: \(found)\nexpected \(item["error"]?.string ?? "")")
        continue
      }
      #expect(found.isSame(as: expected), "snippet \(index): \(source)\ngives: \(found)\nexpected: \(expected)")
    }
  }
}
