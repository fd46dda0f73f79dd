import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// The vocabulary inside a GGUF file, and the folder made from it.
@Suite struct GGUFTests {
  private func load(_ builder: GGUFBuilder) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    try builder.write(to: folder.path("model.gguf"))
    return try Tokenizer.load(folder: folder.path)
  }

  @Test func idsEqualThoseOfTokenizerJSON() throws {
    let tokenizer = try load(.smollm())
    let expected = try Expectation("smollm")
    for (index, string) in try Expectation.corpus().enumerated() {
      #expect(try Expectation.digest(tokenizer.encode(string)) == expected.ids[8 * index..<8 * index + 8])
    }
    #expect(tokenizer.specialTokens.eos == .init(id: 2, text: "<|im_end|>"))
    #expect(tokenizer.specialTokens.bos == .init(id: 1, text: "<|im_start|>"))
    #expect(tokenizer.specialTokens.pad == nil)
    #expect(tokenizer.endOfTurnIDs == [2])
    #expect(tokenizer.chatTemplateSource == "{{ messages }}")
    #expect(try [UInt8]().withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: true) } == [1])
  }

  @Test func writtenFolderIsTheSameTokenizer() throws {
    let tokenizer = try load(.smollm())
    let folder = try TemporaryFolder()
    try tokenizer.writeFolder(to: folder.path("out"))
    let again = try Tokenizer.load(folder: folder.path("out"))
    #expect(again.definition == tokenizer.definition)
    #expect(again.chatTemplateSource == tokenizer.chatTemplateSource)
    #expect(again.specialTokens == tokenizer.specialTokens)
    for string in try Expectation.corpus() { #expect(try again.encode(string) == tokenizer.encode(string)) }
    // Copies of a folder are byte for byte.
    try again.writeFolder(to: folder.path("copy"))
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"] {
      #expect(
        FileManager.default.contentsEqual(atPath: folder.path("out/\(name)"), andPath: folder.path("copy/\(name)")),
        "\(name)")
    }
  }

  @Test func definitionDependsOnWhatDecidesIDs() throws {
    let base = try load(.smollm())
    #expect(try load(.smollm()).definition == base.definition)
    #expect(try load(.smollm().setting("tokenizer.chat_template", nil)).definition == base.definition)
    #expect(try load(.smollm().setting("tokenizer.ggml.pre", .string("gpt-2"))).definition != base.definition)
    #expect(try load(.smollm().setting("tokenizer.ggml.eos_token_id", .unsigned(0))).definition != base.definition)
    #expect(try load(.smollm().setting("tokenizer.ggml.add_bos_token", .bool(false))).definition != base.definition)
  }

  @Test func everyKnownPreTokenizerCompiles() throws {
    for name in [
      "gpt-2", "smollm", "llama-bpe", "dbrx", "qwen2", "stablelm2", "qwen35", "deepseek-llm", "deepseek-coder",
      "deepseek-v3", "falcon", "tekken", "gpt-4o", "bailingmoe", "seed-coder", "bloom", "viking", "default",
    ] {
      let tokenizer = try load(.smollm().setting("tokenizer.ggml.pre", .string(name)))
      let text = "Hello  World's 12345 größe 中文\n\n\tdone…"
      #expect(try tokenizer.decode(tokenizer.encode(text), skipsSpecialTokens: true) == text, "\(name)")
    }
  }

  @Test(
    .enabled(if: realAsset("tokenizers/deepseek") != nil, "ANNEAL_ASSETS has no DeepSeek tokenizer"))
  func deepSeekV3CutsAsItsOwnTokenizer() throws {
    let own = try #require(realAsset("tokenizers/deepseek/tokenizer.json"))
    let folder = try TemporaryFolder()
    try load(.smollm().setting("tokenizer.ggml.pre", .string("deepseek-v3"))).writeFolder(to: folder.path)
    func patterns(_ path: String) throws -> [JSON] {
      let json = try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))), file: path)
      return (json["pre_tokenizer"]?["pretokenizers"]?.array ?? []).compactMap { $0["pattern"] }
    }
    let wanted = try patterns(own)
    #expect(wanted.count == 3)
    #expect(try patterns(folder.path("tokenizer.json")) == wanted)
  }

  @Test func refusalsSayWhatAndWhere() throws {
    func message(_ builder: GGUFBuilder) -> Diagnostic? {
      do {
        _ = try load(builder)
        return nil
      } catch { return diagnostics(of: error).first }
    }
    let unknown = try message(.smollm().setting("tokenizer.ggml.pre", .string("smolm")))
    #expect(unknown?.summary == "Unknown pre-tokenizer `smolm`")
    #expect(unknown?.path == "tokenizer.ggml.pre")
    #expect(unknown?.advice == "`smollm`")
    #expect(unknown?.reason?.contains("llama-bpe") == true)
    let unigram = try message(.smollm().setting("tokenizer.ggml.model", .string("t5")))
    #expect(unigram?.summary == "Unsupported tokenizer model `t5`")
    #expect(unigram?.reason == "unigram vocabularies are not read yet")
    let merge = try message(.smollm().setting("tokenizer.ggml.merges", .strings(["a b", "qq zz"])))
    #expect(merge?.summary == "Token `qq` is not in the vocabulary" || merge?.path == "tokenizer.ggml.merges[0]")
    let types = try message(.smollm().setting("tokenizer.ggml.token_type", .integers([1])))
    #expect(types?.path == "tokenizer.ggml.token_type")
    let eos = try message(.smollm().setting("tokenizer.ggml.eos_token_id", .unsigned(99999)))
    #expect(eos?.summary == "Token id 99999 is out of range")
  }
}
