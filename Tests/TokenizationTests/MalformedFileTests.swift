import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// Whatever stands in a tokenizer's files, loading ends in a tokenizer or in a located error.
@Suite struct MalformedFileTests {
  private static let sound = #"""
    {"version": "1.0", "added_tokens": [{"id": 4, "content": "<x>", "special": true}], "normalizer": null,
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "post_processor": null,
     "decoder": {"type": "ByteLevel"},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3}, "merges": ["a b"]}}
    """#

  private func problem(_ text: String) throws -> Diagnostic? {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "tokenizer.json")
    do {
      let tokenizer = try Tokenizer.load(folder: folder.path)
      _ = try tokenizer.encode("abc <x> é")
      return nil
    } catch { return diagnostics(of: error).first }
  }

  private func problem(replacing old: String, with new: String) throws -> Diagnostic? {
    #expect(Self.sound.contains(old))
    return try problem(Self.sound.replacingOccurrences(of: old, with: new))
  }

  @Test func soundFileLoads() throws { #expect(try problem(Self.sound) == nil) }

  @Test func truncatedFileIsLocated() throws {
    let bytes = Array(Self.sound.utf8)
    for count in 0..<(bytes.count - 1) {
      let found = try problem(String(decoding: bytes[..<count], as: UTF8.self))
      #expect(found?.code == "invalid-json", "after \(count) bytes")
      #expect(found?.place?.line != nil)
    }
  }

  @Test(arguments: [
    (
      #""type": "ByteLevel", "add"#, #""type": "ByteLevle", "add"#, "pre_tokenizer.type",
      "Unknown pre-tokenizer `ByteLevle`"
    ),
    (
      #""normalizer": null"#, #""normalizer": {"type": "Precompiled"}"#, "normalizer.type",
      "Unknown normalizer `Precompiled`"
    ),
    (#""normalizer": null"#, #""normalizer": []"#, "normalizer", "Expected an object, found a list"),
    (
      #""normalizer": null"#, #""normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": 3}]}"#,
      "normalizer.normalizers[1].type", "Expected a string, found a number"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"}"#, "pre_tokenizer.pattern.Regex",
      "Invalid pattern `(a`"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Split", "pattern": {"Regex": "\\p{Foo}"}, "behavior": "Isolated"}"#, "pre_tokenizer.pattern.Regex",
      "Invalid pattern `\\p{Foo}`"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Split", "pattern": {"String": "a"}, "behavior": "isolate"}"#, "pre_tokenizer.behavior",
      "Unknown behavior `isolate`"
    ),
    (#""decoder": {"type": "ByteLevel"}"#, #""decoder": {"type": "CTC"}"#, "decoder.type", "Unknown decoder `CTC`"),
    (#""type": "BPE""#, #""type": "Unigram""#, "model.type", "Unknown model `Unigram`"),
    (#""type": "BPE""#, #""type": "BPE", "dropout": 0.1"#, "model.dropout", "Unsupported `dropout`"),
    (
      #""type": "BPE""#, #""type": "BPE", "end_of_word_suffix": "</w>""#, "model.end_of_word_suffix",
      "Unsupported `end_of_word_suffix`"
    ),
    (#""type": "BPE""#, #""type": "BPE", "unk_token": "?""#, "model.unk_token", "Token `?` is not in the vocabulary"),
    (#"["a b"]"#, #"["a b", "a c"]"#, "model.merges[1]", "Token `ac` is not in the vocabulary"),
    (#"["a b"]"#, #"["a q"]"#, "model.merges[0]", "Token `q` is not in the vocabulary"),
    (#"["a b"]"#, #"["ab"]"#, "model.merges[0]", "Invalid merge `ab`"),
    (#"["a b"]"#, #"["a b c"]"#, "model.merges[0]", "Invalid merge `a b c`"),
    (#"["a b"]"#, #"[["a"]]"#, "model.merges[0]", "Invalid merge `…`"),
    (#"["a b"]"#, #"[3]"#, "model.merges[0]", "Invalid merge `…`"),
    (#""c": 3"#, #""c": 2"#, "model.vocab", "Tokens `ab` and `c` have the same id 2"),
    (#""c": 3"#, #""a": 3"#, "model.vocab", "Token `a` stands twice in the vocabulary"),
    (#""c": 3"#, #""c": -1"#, "model.vocab.c", "Token id -1 is out of range"),
    (#""c": 3"#, #""c": 99999999999999999999"#, "model.vocab.c", "Token id 99999999999999999999 is out of range"),
    (#""c": 3"#, #""c": 2000000000"#, "model.vocab.c", "Token id 2000000000 is out of range"),
    (#""c": 3"#, #""c": "3""#, "model.vocab.c", "Expected a token id, found a string"),
    (#""c": 3"#, #""c": 3.5"#, "model.vocab.c", "Token id 3.5 is out of range"),
    (#""id": 4"#, #""id": 1"#, "added_tokens[0].id", "Tokens `b` and `<x>` have the same id 1"),
    (#""id": 4"#, #""id": 4000000000"#, "added_tokens[0].id", "Token id 4000000000 is out of range"),
    (#""id": 4, "#, "", "added_tokens[0].id", "Missing a token id"),
    (#""content": "<x>""#, #""content": "a""#, "added_tokens[0].id", "Invalid id 4 of `a`"),
    (
      #""post_processor": null"#,
      #""post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}], "special_tokens": {}}"#,
      "post_processor.single[0].SpecialToken.id", "Token `<s>` is not in the vocabulary"
    ),
  ])
  func mistakeIsNamed(_ old: String, _ new: String, _ path: String, _ summary: String) throws {
    let found = try problem(replacing: old, with: new)
    #expect(found?.path == path)
    #expect(found?.summary == summary)
    #expect(found?.place?.file.hasSuffix("tokenizer.json") == true)
  }

  @Test func modelMustBeThere() throws {
    #expect(try problem("{}")?.summary == "Missing a model")
    #expect(try problem("[]")?.summary == "Expected an object, found a list")
    #expect(try problem(#"{"model": 3}"#)?.path == "model")
    #expect(try problem(#"{"model": {"vocab": {}}}"#)?.path == "model.merges")
    #expect(try problem(#"{"model": {"merges": []}}"#)?.path == "model.vocab")
    #expect(try problem(#"{"model": {"vocab": [], "merges": []}}"#)?.path == "model.vocab")
    #expect(try problem(#"{"model": {}, "model": {}}"#)?.code == "invalid-json")
  }

  @Test func deepNestingIsRefused() throws {
    let depth = 5000
    let nested =
      String(repeating: #"{"type":"Sequence","normalizers":["#, count: depth) + String(repeating: "]}", count: depth)
    #expect(try problem(replacing: #""normalizer": null"#, with: "\"normalizer\": " + nested)?.code == "invalid-json")
  }

  @Test func changedBytesNeverCrash() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<400 {
      var bytes = Array(Self.sound.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let folder = try TemporaryFolder()
      try Data(bytes).write(to: URL(fileURLWithPath: folder.path("tokenizer.json")))
      do { _ = try Tokenizer.load(folder: folder.path).encode("abc <x> é") } catch {
        #expect(diagnostics(of: error).first?.code != "internal", "\(error)")
      }
    }
  }

  @Test func emptyFolderSaysWhatIsLookedFor() throws {
    let folder = try TemporaryFolder()
    do {
      _ = try Tokenizer.load(path: folder.path)
      Issue.record("an empty folder has no tokenizer")
    } catch {
      let found = try #require(diagnostics(of: error).first)
      #expect(found.summary == "No tokenizer here")
      #expect(found.reason == "looked for [tokenizer.json, vocab.json and merges.txt, a .gguf file]")
    }
  }
}
