import Diagnostics
import Foundation
import PreciseJSON
import TensorFiles
import TestKit
import Testing
import Tokenization

/// What the files beside `tokenizer.json` decide.
@Suite struct SettingsTests {
  private func load(_ files: [String: String], in folder: TemporaryFolder? = nil) throws -> Tokenizer {
    let folder = try folder ?? TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: fixture("Tokenization/small-smollm.json"), toPath: folder.path("tokenizer.json"))
    for (name, text) in files { try folder.write(text, to: name) }
    return try Tokenizer.load(path: folder.path)
  }

  @Test func specialTokensComeFromTheMapThenTheConfiguration() throws {
    let tokenizer = try load([
      "tokenizer_config.json": #"{"bos_token": null, "eos_token": {"content": "<|im_start|>"}, "chat_template": "T"}"#,
      "special_tokens_map.json": #"{"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}"#,
      "generation_config.json": #"{"eos_token_id": [2, 0]}"#,
    ])
    #expect(tokenizer.specialTokens.bos == nil)
    #expect(tokenizer.specialTokens.eos?.id == 2)
    #expect(tokenizer.specialTokens.pad?.id == 0)
    #expect(tokenizer.endOfTurnIDs == [0, 2])
    #expect(tokenizer.chatTemplateSource == "T")
    #expect(tokenizer.token(for: 2) == "<|im_end|>")
    #expect(tokenizer.id(of: "<|im_end|>") == 2)
    #expect(tokenizer.token(for: 1_000_000) == nil)
    #expect(try tokenizer.decode([2, 0], skipsSpecialTokens: true) == "")
  }

  @Test func templateMayBeNamedOrAFile() throws {
    let named = #"{"chat_template": [{"name": "rag", "template": "R"}, {"name": "default", "template": "D"}]}"#
    #expect(try load(["tokenizer_config.json": named]).chatTemplateSource == "D")
    let both = ["tokenizer_config.json": named, "chat_template.jinja": "J"]
    #expect(try load(both).chatTemplateSource == "J")
    #expect(try load(["tokenizer_config.json": named]).chatTemplates["rag"] == "R")
  }

  /// Named templates lie in a folder of their own; they hide those of the configuration, and are written again.
  @Test func furtherTemplatesAreFiles() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: fixture("Tokenization/small-smollm.json"), toPath: folder.path("tokenizer.json"))
    try folder.write(#"{"chat_template": "C"}"#, to: "tokenizer_config.json")
    try FileManager.default.createDirectory(
      atPath: folder.path("additional_chat_templates"), withIntermediateDirectories: false)
    try folder.write("T", to: "additional_chat_templates/tool_use.jinja")
    let alone = try Tokenizer.load(path: folder.path)
    #expect(alone.chatTemplateSource == nil && alone.chatTemplates["tool_use"] == "T")
    try folder.write("J", to: "chat_template.jinja")
    let tokenizer = try Tokenizer.load(path: folder.path)
    #expect(tokenizer.chatTemplateSource == "J" && tokenizer.chatTemplates["tool_use"] == "T")
    #expect(try Tokenizer.files(at: folder.path).names.contains("additional_chat_templates/tool_use.jinja"))
    let copy = try TemporaryFolder()
    try tokenizer.writeFolder(to: copy.path)
    #expect(try Tokenizer.load(path: copy.path).chatTemplates == tokenizer.chatTemplates)
  }

  @Test func tokensOfTheConfigurationAreAdded() throws {
    let extra = #"{"added_tokens_decoder": {"900": {"content": "<extra>", "special": true}}}"#
    let tokenizer = try load(["tokenizer_config.json": extra])
    #expect(try tokenizer.encode("<extra>") == [900])
    #expect(tokenizer.vocabularySize == 901)
  }

  /// What transformers makes of the same folders; written by `scripts/reference/tokenizer_settings.py`.
  @Test func sideFilesAddAndOverrideAsInTransformers() throws {
    let cases = try readJSON("Tokenization/settings.json").object?.members ?? []
    #expect(cases.count > 15)
    for (name, item) in cases {
      var files: [String: String] = [:]
      for (file, content) in item["files"]?.object?.members ?? [] { files[file] = content.text() }
      let source = try TemporaryFolder()
      let tokenizer = try load(files, in: source)
      let ids = try tokenizer.encode(#require(item["text"]?.string))
      #expect(ids.map { JSON(Int($0)) } == item["ids"]?.array, "\(name)")
      #expect(try tokenizer.decode(ids, skipsSpecialTokens: true) == item["bare"]?.string, "\(name)")
      for (key, token) in [
        ("bos", tokenizer.specialTokens.bos), ("eos", tokenizer.specialTokens.eos),
        ("pad", tokenizer.specialTokens.pad),
      ] { #expect(token?.text == item[key]?.string, "\(name): \(key)") }
      // What is written is the same tokenizer.
      let folder = try TemporaryFolder()
      try tokenizer.writeFolder(to: folder.path)
      #expect(try Tokenizer.load(folder: folder.path).definition == tokenizer.definition, "\(name)")
    }
  }

  private func problem(_ files: [String: String]) -> Diagnostic? {
    do {
      _ = try load(files)
      return nil
    } catch { return diagnostics(of: error).first }
  }

  @Test func idsThatTransformersGivesOtherwiseAreRefused() throws {
    for (name, text, path) in [
      (
        "tokenizer_config.json", #"{"added_tokens_decoder": {"5000": {"content": "<x>"}}}"#, "added_tokens_decoder.5000"
      ),
      ("added_tokens.json", #"{"<x>": 5000}"#, "<x>"),
    ] {
      let found = try #require(problem([name: text]))
      #expect(found.summary == "Token `<x>` is said to have the id 5000, but gets 900")
      #expect(found.path == path)
    }
    let taken = problem(["added_tokens.json": #"{"<x>": 2}"#])
    #expect(taken?.summary == "Tokens `<|im_end|>` and `<x>` have the same id 2")
    let splits = problem(["tokenizer_config.json": #"{"split_special_tokens": true}"#])
    #expect(splits?.summary == "Unsupported `split_special_tokens`")
  }

  private func loadPair(_ configuration: String) throws -> Tokenizer {
    let small = try readJSON("Tokenization/small-smollm.json")
    let folder = try TemporaryFolder()
    var vocabulary = small["model"]?["vocab"]?.object ?? JSONObject()
    for key in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] { vocabulary[key] = nil }
    let members = vocabulary.members.enumerated().map { (key: $1.key, value: JSON($0)) }
    try folder.write(JSON(members).text(), to: "vocab.json")
    try folder.write(
      (small["model"]?["merges"]?.array ?? []).compactMap(\.string).joined(separator: "\n"), to: "merges.txt")
    try folder.write(configuration, to: "tokenizer_config.json")
    return try Tokenizer.load(folder: folder.path)
  }

  @Test func aPairOfFilesHasTheTokensOfItsSettings() throws {
    let tokenizer = try loadPair(
      #"{"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "bos_token": null, "#
        + #""added_tokens_decoder": {"897": {"content": "<|im_start|>", "special": true}, "#
        + #""898": {"content": "<|im_end|>", "special": true}}}"#)
    #expect(try tokenizer.encode("<|im_start|><|im_end|>") == [897, 898])
    #expect(tokenizer.specialTokens.eos?.id == 898)
    #expect(tokenizer.specialTokens.bos == nil)
    // Qwen 2 normalises and cuts digits one by one, GPT-2 does not.
    #expect(try tokenizer.encode("e\u{301}") == tokenizer.encode("é"))
    #expect(try tokenizer.pieces(of: "12").count == 2)
    let plain = try loadPair(#"{"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true, "bos_token": "<s>"}"#)
    #expect(try plain.pieces(of: "12").count == 1)
    #expect(try Array("<s>".utf8).withUnsafeBytes { try plain.encode($0, addsSpecialTokens: true) } == [897, 897])
    do {
      _ = try loadPair(#"{"tokenizer_class": "RobertaTokenizer"}"#)
      Issue.record("RoBERTa's rules are not known")
    } catch {
      let found = diagnostics(of: error).first
      #expect(found?.summary == "Tokenizer class `RobertaTokenizer` is not read without `tokenizer.json`")
      #expect(found?.path == "tokenizer_class")
    }
  }

  @Test func manyThreadsGetTheSameIDs() async throws {
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-qwen2.json"))
    let strings = try Expectation.corpus()
    let expected = try strings.map { try tokenizer.encode($0) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 { group.addTask { try strings.map { try tokenizer.encode($0) } == expected } }
      for try await isEqual in group { #expect(isEqual) }
    }
  }

  @Test func longPiecesAreMergedLikeShortOnes() throws {
    // Beyond what the scan handles the heap takes over; a piece of one repeated pair shows both agree.
    let tokenizer = try Tokenizer.load(file: fixture("Tokenization/small-smollm.json"))
    let unit = try tokenizer.encode("abababab")
    for count in [10, 13, 100] {
      let ids = try tokenizer.encode(String(repeating: "abababab", count: count))
      #expect(try tokenizer.decode(ids, skipsSpecialTokens: false).utf8.count == 8 * count)
      #expect(ids.count <= unit.count * count)
    }
  }
}
