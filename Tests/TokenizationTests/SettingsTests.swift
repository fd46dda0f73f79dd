import Foundation
import TestKit
import Testing
import Tokenization

/// What the files beside `tokenizer.json` decide.
@Suite struct SettingsTests {
  private func load(_ files: [String: String]) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      atPath: fixture("Tokenization/small-smollm.json"), toPath: folder.path("tokenizer.json"))
    for (name, text) in files { try folder.write(text, to: name) }
    return try Tokenizer.load(path: folder.path)
  }

  @Test func specialTokensComeFromConfigurationThenMap() throws {
    let tokenizer = try load([
      "tokenizer_config.json": #"{"bos_token": null, "eos_token": {"content": "<|im_end|>"}, "chat_template": "T"}"#,
      "special_tokens_map.json": #"{"eos_token": "<|im_start|>", "pad_token": "<|endoftext|>"}"#,
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
  }

  @Test func tokensOfTheConfigurationAreAdded() throws {
    let extra = #"{"added_tokens_decoder": {"5000": {"content": "<extra>", "special": true}}}"#
    let tokenizer = try load(["tokenizer_config.json": extra])
    #expect(try tokenizer.encode("<extra>") == [5000])
    #expect(tokenizer.vocabularySize == 5001)
  }

  @Test func unknownSpecialTokenIsAnError() throws {
    #expect(throws: TokenizerError.self) {
      try load(["tokenizer_config.json": #"{"pad_token": "<nope>"}"#])
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
