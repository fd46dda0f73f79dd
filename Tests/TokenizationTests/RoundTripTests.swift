import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// What is written of a tokenizer is that tokenizer: the same ids, the same special tokens, the same ends of a turn.
@Suite struct RoundTripTests {
  private func again(_ tokenizer: Tokenizer) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    try tokenizer.writeFolder(to: folder.path)
    if let settings = tokenizer.generationSettings { try folder.write(settings.text(), to: "generation_config.json") }
    return try Tokenizer.load(path: folder.path)
  }

  @Test(arguments: [
    "Command/tiny", "ModelFolders/single", "ModelFolders/tiny.gguf", "Tokenization/small-smollm.json",
    "Tokenization/small-qwen2.json",
  ])
  func fixturesComeBack(_ name: String) throws {
    let tokenizer = try Tokenizer.load(path: fixture(name))
    let written = try again(tokenizer)
    #expect(written.definition == tokenizer.definition)
    #expect(written.chatTemplateSource == tokenizer.chatTemplateSource)
  }

  private static let real = realAsset("tokenizers")

  @Test(.enabled(if: real != nil, "needs ANNEAL_ASSETS with tokenizers/"))
  func realOnesComeBack() throws {
    let root = try #require(Self.real)
    var count = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted() {
      // A kind that is not read is no tokenizer here.
      guard let tokenizer = try? Tokenizer.load(path: root + "/" + name) else { continue }
      #expect(try again(tokenizer).definition == tokenizer.definition, "\(name)")
      count += 1
    }
    #expect(count > 0)
  }

  /// Ends that only `generation_config.json` names: with a folder of GPT-2's own files, of a file of another name, and
  /// where they say nothing new.
  @Test func endsOfAnswersComeBack() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("other.json")
    try FileManager.default.copyItem(atPath: fixture("Tokenization/small-smollm.json"), toPath: file)
    #expect(try Tokenizer.load(path: file).generationSettings == nil)
    try folder.write(#"{"eos_token_id": [5, 7], "temperature": 0.5}"#, to: "generation_config.json")
    let tokenizer = try Tokenizer.load(path: file)
    #expect(tokenizer.endOfTurnIDs == [2, 5, 7])
    #expect(tokenizer.generationSettings?.text() == #"{"eos_token_id":[2,5,7]}"#)
    #expect(try again(tokenizer).endOfTurnIDs == [2, 5, 7])

    let gpt2 = try TemporaryFolder()
    try gpt2.write(#"{"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3}"#, to: "vocab.json")
    try gpt2.write("#version: 0.2\na b\n", to: "merges.txt")
    try gpt2.write(#"{"eos_token_id": 1}"#, to: "generation_config.json")
    let old = try Tokenizer.load(path: gpt2.path)
    #expect(old.endOfTurnIDs == [1, 3])
    #expect(try again(old).definition == old.definition)
  }
}
