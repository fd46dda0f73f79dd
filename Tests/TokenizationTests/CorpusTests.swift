import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// Ids and texts equal HF `tokenizers` on the whole corpus.
@Suite struct CorpusTests {
  static let small = ["smollm", "qwen2", "llama3", "falcon", "splits", "metaspace", "whitespace", "classes"]

  @Test(arguments: small)
  func smallTokenizer(_ name: String) throws {
    try compare(Tokenizer.load(file: fixture("Tokenization/small-\(name).json")), name)
  }

  @Test(
    .enabled(if: realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf") != nil, "ANNEAL_ASSETS has no SmolLM2 GGUF"))
  func smolLM2FromGGUF() throws {
    let path = try #require(realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf"))
    let tokenizer = try Tokenizer.load(path: path)
    try compare(tokenizer, "smollm2-gguf")
    #expect(tokenizer.vocabularySize == 49152)
    #expect(tokenizer.specialTokens.bos?.id == 1)
    #expect(tokenizer.specialTokens.eos == .init(id: 2, text: "<|im_end|>"))
    #expect(tokenizer.specialTokens.pad?.id == 2)
    #expect(tokenizer.specialTokens.unknown?.id == 0)
    #expect(tokenizer.endOfTurnIDs == [2])
    #expect(tokenizer.chatTemplateSource?.hasPrefix("{% for message in messages %}") == true)
  }

  @Test(
    .enabled(if: realAsset("models/gemma-3-270m-q4_k_m.gguf") != nil, "ANNEAL_ASSETS has no Gemma 3 GGUF"))
  func gemma3FromGGUF() throws {
    let path = try #require(realAsset("models/gemma-3-270m-q4_k_m.gguf"))
    let tokenizer = try Tokenizer.load(path: path)
    try compare(tokenizer, "gemma3-gguf")
    #expect(tokenizer.vocabularySize == 262_144)
    #expect(tokenizer.specialTokens.bos == .init(id: 2, text: "<bos>"))
    #expect(tokenizer.specialTokens.eos == .init(id: 1, text: "<eos>"))
    #expect(tokenizer.specialTokens.pad == .init(id: 0, text: "<pad>"))
    #expect(tokenizer.specialTokens.unknown == .init(id: 3, text: "<unk>"))
    #expect(tokenizer.endOfTurnIDs == [1, 106])
    #expect(tokenizer.chatTemplateSource == nil)
  }

  @Test(
    .enabled(if: realAsset("tokenizers") != nil, "ANNEAL_ASSETS has no tokenizers"),
    arguments: ["gpt2", "qwen3", "deepseek"])
  func realTokenizer(_ name: String) throws {
    let folder = try #require(realAsset("tokenizers/\(name)"))
    try compare(Tokenizer.load(folder: folder), name)
  }

  func compare(_ tokenizer: Tokenizer, _ name: String) throws {
    let strings = try Expectation.corpus()
    let expected = try Expectation(name)
    #expect(strings.count >= 2000)
    #expect(expected.ids.count == 8 * strings.count)
    var wrongIDs: [Int] = []
    var wrongTexts: [Int] = []
    for (index, string) in strings.enumerated() {
      let ids = try tokenizer.encode(string)
      let digest = 8 * index..<8 * index + 8
      if Expectation.digest(ids) != expected.ids[digest] {
        wrongIDs.append(index)
        continue
      }
      let text = try tokenizer.decode(ids, skipsSpecialTokens: false)
      let bare = try tokenizer.decode(ids, skipsSpecialTokens: true)
      if Expectation.digest(text) != expected.texts[digest] || Expectation.digest(bare) != expected.bareTexts[digest] {
        wrongTexts.append(index)
      }
    }
    let shown = try wrongIDs.prefix(5).map { index in
      let wanted = index < expected.first.count ? "\(expected.first[index])" : "?"
      return "\(index) \(strings[index].debugDescription): \(try tokenizer.encode(strings[index])), expected \(wanted)"
    }
    #expect(wrongIDs.isEmpty, "\(wrongIDs.count) of \(strings.count): \(shown.joined(separator: "\n"))")
    let texts = try wrongTexts.prefix(5).map {
      "\($0) \(strings[$0].debugDescription): "
        + (try tokenizer.decode(try tokenizer.encode(strings[$0]), skipsSpecialTokens: false).debugDescription)
    }
    #expect(wrongTexts.isEmpty, "\(wrongTexts.count) of \(strings.count): \(texts.joined(separator: "\n"))")
    for (string, ids) in zip(strings, expected.withSpecialTokens) {
      let bytes = Array(string.utf8)
      #expect(try bytes.withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: true) } == ids)
    }
  }

  @Test func bytesThatAreNotUTF8AreReplacedAsByPython() throws {
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-smollm.json"))
    let cases = try readJSON("Tokenization/raw.json").array ?? []
    #expect(cases.count > 100)
    for item in cases {
      let digits = Array(try #require(item["bytes"]?.string).utf8)
      let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
      let text = try #require(item["text"]?.string)
      #expect(
        try bytes.withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: false) } == tokenizer.encode(text),
        "\(bytes)")
    }
  }
}
