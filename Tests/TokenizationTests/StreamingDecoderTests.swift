import TestKit
import Testing
import Tokenization

/// Ids that come one by one give whole scalars and, joined, the whole text.
@Suite struct StreamingDecoderTests {
  @Test(arguments: ["smollm", "qwen2", "metaspace", "falcon"])
  func joinedPiecesAreTheText(_ name: String) throws {
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-\(name).json"))
    for string in try Expectation.corpus() where string.utf8.count < 300 && !string.unicodeScalars.contains("\u{FFFD}")
    {
      let ids = try tokenizer.encode(string)
      let whole = try tokenizer.decode(ids, skipsSpecialTokens: false)
      var decoder = StreamingDecoder(tokenizer, skipsSpecialTokens: false)
      var text = ""
      for id in ids {
        let piece = try decoder.push(id)
        if !whole.unicodeScalars.contains("\u{FFFD}") { #expect(!piece.unicodeScalars.contains("\u{FFFD}")) }
        text += piece
      }
      text += try decoder.finish()
      #expect(text.utf8.elementsEqual(whole.utf8), "\(string.debugDescription)")
    }
  }

  @Test func emojiAppearsWhenItIsComplete() throws {
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-smollm.json"))
    let ids = try tokenizer.encode("\u{1FAE8}")
    #expect(ids.count > 1)
    var decoder = StreamingDecoder(tokenizer, skipsSpecialTokens: false)
    for id in ids.dropLast() { #expect(try decoder.push(id) == "") }
    #expect(try decoder.push(ids[ids.count - 1]) == "\u{1FAE8}")
    _ = try decoder.push(ids[0])
    #expect(try decoder.finish() == "\u{FFFD}")
    #expect(try decoder.finish() == "")
  }
}
