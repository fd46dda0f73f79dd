import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// The ids of a text in pieces are those of the whole text, wherever a tokenizer puts spaces before texts and sections.
///
/// What is right comes from HF `tokenizers` by `scripts/reference/tokenizer_pieces.py`.
@Suite struct PieceTests {
  static let variants = [
    "prepend", "prepend-first", "strip-prepend", "first", "first-split", "always", "always-split", "never",
    "words-always", "prefix-space", "digits-prefix-space", "no-prefix-space",
  ]

  @Test(arguments: variants)
  func idsAreThoseOfTheWholeText(_ name: String) throws {
    let variant = try #require(readJSON("Tokenization/pieces.json")[name])
    var file = try readJSON("Tokenization/\(#require(variant["base"]?.string))").object ?? JSONObject()
    for (key, value) in variant["members"]?.object?.members ?? [] { file[key] = value }
    let folder = try TemporaryFolder()
    try folder.write(JSON.object(file).text(), to: "tokenizer.json")
    let cases = variant["cases"]?.array ?? []
    #expect(cases.count > 50)
    try compare(cases, with: Tokenizer.load(folder: folder.path))
  }

  private func compare(_ cases: [JSON], with tokenizer: Tokenizer) throws {
    var wrong: [String] = []
    for item in cases {
      let pieces = (item.array?.first?.array ?? []).compactMap(\.string)
      let wanted = (item.array?.last?.array ?? []).map { ($0.array ?? []).compactMap { $0.int.map { Int32($0) } } }
      var context = TextContext()
      let found = try pieces.map { try tokenizer.encode($0, after: &context) }
      if found != wanted { wrong.append("\(pieces): \(found), expected \(wanted)") }
      #expect(try tokenizer.encode(pieces.joined()) == wanted.flatMap { $0 }, "\(pieces)")
    }
    #expect(wrong.isEmpty, "\(wrong.count) of \(cases.count): \(wrong.prefix(3).joined(separator: "\n"))")
  }

  @Test func whatFollowsAPieceDoesNotChangeIt() throws {
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-qwen2.json"))
    // The token `<left>` takes white space before it; the prompt is tokenised before the answer is there.
    var context = TextContext()
    let prompt = try tokenizer.encode("a ", after: &context)
    let answer = try tokenizer.encode("<left>", after: &context)
    #expect(try prompt == tokenizer.encode("a "))
    #expect(try answer == tokenizer.encode("<left>"))
  }
}
