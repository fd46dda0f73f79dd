import Diagnostics
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// A pattern that PCRE2 gives up on is an error, never "no match"; lines of megabytes are work like any other.
@Suite struct PatternLimitTests {
  private func tokenizer(
    _ expression: String, normalizer: JSON = .null, decoder: JSON = ["type": "ByteLevel"], in folder: TemporaryFolder
  ) throws -> Tokenizer {
    let file: JSON = [
      "normalizer": normalizer,
      "pre_tokenizer": [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false],
          ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
        ],
      ],
      "decoder": decoder, "model": ["type": "BPE", "vocab": ["a": 0, "!": 1, "Ġ": 2, "b": 3], "merges": []],
    ]
    try folder.write(file.text(), to: "tokenizer.json")
    return try Tokenizer.load(folder: folder.path)
  }

  @Test(arguments: [#"(\w+\s?)*$"#, "(a|aa)*!!", "(a+)+!!"])
  func patternWithoutEndIsAnError(_ expression: String) throws {
    let folder = try TemporaryFolder()
    let tokenizer = try tokenizer(expression, in: folder)
    let text = String(repeating: "a", count: 60) + "!"
    do {
      _ = try tokenizer.encode(text)
      Issue.record("\(expression) ends")
    } catch {
      let found = try #require(diagnostics(of: error).first)
      #expect(found.summary == "The pattern `\(expression)` gives up on a text of 61 bytes")
      #expect(found.reason == "at byte 0 it takes more than 10000000 steps")
      #expect(found.path == "pre_tokenizer.pretokenizers[0].pattern.Regex")
      #expect(found.place?.file == folder.path("tokenizer.json"))
    }
    // The next text is not held to it.
    #expect(try tokenizer.encode("a") == [0])
  }

  @Test func normalizersAndDecodersAreHeldToTheSame() throws {
    let folder = try TemporaryFolder()
    let step: JSON = ["type": "Replace", "pattern": ["Regex": #"(a+)+$"#], "content": "b"]
    let normalizing = try tokenizer("z", normalizer: step, in: folder)
    #expect(throws: TokenizerError.self) { try normalizing.encode(String(repeating: "a", count: 60) + "!") }
    let whole: JSON = ["type": "Sequence", "decoders": [["type": "Fuse"], step]]
    let decoding = try tokenizer("z", decoder: whole, in: folder)
    let ids = [Int32](repeating: 0, count: 60) + [1]
    #expect(throws: TokenizerError.self) { try decoding.decode(ids, skipsSpecialTokens: false) }
    #expect(try decoding.decode([0, 0], skipsSpecialTokens: false) == "b")
  }

  /// What no scanner knows goes through PCRE2 also where a match is a megabyte long, or far away.
  @Test func longLinesAreCut() throws {
    let folder = try TemporaryFolder()
    let words = try tokenizer(#"(?:[^\r\n\p{L}\p{N}]?\p{L}+|\s+(?!\S)|\s+|!)"#, in: folder)
    let count = 1 << 20
    for (text, pieces) in [
      (String(repeating: "a", count: count), 1), (String(repeating: " ", count: count) + "a", 2),
      (String(repeating: "a ", count: count / 2), count / 2 + 1),
    ] { #expect(try words.pieces(of: text).count == pieces) }
    let rare = try tokenizer("!+", in: folder)
    #expect(try rare.pieces(of: String(repeating: "é", count: count) + "!!" + "é").count == 3)
  }
}
