import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// Texts get the tokenizer's own special tokens around them, and pieces of conversations get spaces where the whole text
/// has them.
@Suite struct TextRowTests {
  /// A tokenizer of single letters whose post-processor puts `<s>` before and `</s>` after a text.
  private func tokenizer(_ members: [(key: String, value: JSON)] = []) throws -> Tokenizer {
    func special(_ name: String) -> JSON { ["SpecialToken": ["id": .string(name), "type_id": 0]] }
    let text: JSON = ["Sequence": ["id": "A", "type_id": 0]]
    func added(_ id: Int, _ content: String) -> JSON { ["id": JSON(id), "content": .string(content), "special": true] }
    var file: [(key: String, value: JSON)] = [
      ("added_tokens", [added(0, "<s>"), added(1, "</s>")]),
      (
        "post_processor",
        [
          "type": "TemplateProcessing", "single": [special("<s>"), text, special("</s>")],
          "special_tokens": ["<s>": ["ids": [0]], "</s>": ["ids": [1]]],
        ]
      ),
      ("model", ["type": "BPE", "vocab": ["<s>": 0, "</s>": 1, "a": 2, "b": 3, "▁": 4, "\n": 5], "merges": []]),
    ]
    file += members
    let folder = try TemporaryFolder()
    try folder.write(JSON(file).text(), to: "tokenizer.json")
    try folder.write(#"{"bos_token": "<s>", "eos_token": "</s>"}"#, to: "tokenizer_config.json")
    return try Tokenizer.load(folder: folder.path)
  }

  private func rows(_ records: [RenderedRecord], isText: Bool, _ tokenizer: Tokenizer) throws -> [[TokenSequence]] {
    try GroupTokenizer(
      tokenizer: tokenizer,
      options: .init(maxLength: 1000, overlong: .error, packs: false, split: ValidationSplit(share: 0))
    ).tokenize(lines: records.map { $0.line(RecordHash(line: "")) }, isText: isText, firstRow: 4, file: "rows").train
      .map(\.sequences)
  }

  @Test(
    arguments: [
      ("ab", [0, 2, 3, 1]), ("<s>ab", [0, 2, 3, 1]), ("ab</s>", [0, 2, 3, 1]), ("<s>ab</s>", [0, 2, 3, 1]),
      ("a<s>b", [0, 2, 0, 3, 1]), ("<s><s>a", [0, 0, 2, 1]),
    ] as [(String, [Int32])])
  func textsHaveOneBosAndOneEos(_ text: String, _ ids: [Int32]) throws {
    let tokenizer = try tokenizer()
    let record = RenderedRecord.sample([TextPiece(text: text, isTrained: true)])
    #expect(try rows([record], isText: true, tokenizer).first?.first?.ids == ids)
    // `anneal tokenize` puts them there as HF does, whatever the text has.
    #expect(
      try Array("<s>a".utf8).withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: true) } == [0, 0, 2, 1])
  }

  @Test func answersGoOnFromTheirPrompts() throws {
    let prefixed = try tokenizer([
      ("pre_tokenizer", ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": false])
    ])
    func pieces(_ texts: String...) -> [TextPiece] {
      texts.enumerated().map { TextPiece(text: $1, isTrained: $0 % 2 == 1) }
    }
    let sample = RenderedRecord.sample(pieces("<s>b\n", "a</s>", "\nb\n", "a"))
    let pair = RenderedRecord.pair(
      prompt: pieces("<s>", "b\n"), chosen: [TextPiece(text: "a</s>", isTrained: true)],
      rejected: [TextPiece(text: "b", isTrained: true)])
    let found = try rows([sample, pair], isText: false, prefixed)
    #expect(found[0].map(\.ids) == [[0, 4, 3, 5, 2, 1, 4, 5, 3, 5, 2]])
    #expect(found[0].map(\.lossMask) == [[0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1].map { $0 == 1 }])
    #expect(found[1].map(\.ids) == [[0, 4, 3, 5, 2, 1], [0, 4, 3, 5, 3]])
  }

  @Test func aPatternThatGivesUpNamesTheRow() throws {
    let tokenizer = try tokenizer([
      ("pre_tokenizer", ["type": "Split", "pattern": ["Regex": #"(\w+\s?)*$"#], "behavior": "Isolated"])
    ])
    let records = ["a", String(repeating: "a", count: 60) + "!"].map {
      RenderedRecord.sample([TextPiece(text: $0, isTrained: true)])
    }
    do {
      _ = try rows(records, isText: false, tokenizer)
      Issue.record("the second row ends")
    } catch {
      let found = diagnostics(of: error)
      #expect(found.count == 1)
      #expect(found.first?.place?.row == 5)
      #expect(
        found.first?.summary
          == #"The row cannot be tokenised: The pattern `(\w+\s?)*$` gives up on a text of 61 bytes"#)
    }
  }
}
