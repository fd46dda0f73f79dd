import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// SentencePiece vocabularies (`tokenizer.ggml.model` = `llama`) against llama.cpp and `tokenizers`.
@Suite struct SentencePieceTests {
  private func load(_ builder: GGUFBuilder) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    try builder.write(to: folder.path("model.gguf"))
    return try Tokenizer.load(folder: folder.path)
  }

  /// The kinds of file: a mark before every section (Llama 2), none (Gemma), and tokens that take the space behind them
  /// in a vocabulary without tokens of white space (Phi 3).
  private func builder(_ kind: String) throws -> GGUFBuilder {
    let base = try GGUFBuilder.sentencePiece()
    switch kind {
    case "gemma": return base.setting("tokenizer.ggml.add_space_prefix", .bool(false))
    case "phi3":
      let json = try readJSON("Tokenization/pieces-spm.json")
      let types = zip(json["tokens"]?.array ?? [], json["types"]?.array ?? []).map { token, type in
        token.string?.allSatisfy(\.isWhitespace) == true ? 1 : Int32(type.int ?? 0)
      }
      // Behind the others, so that it is no part of the corpus: what tells this vocabulary.
      let texts = (json["tokens"]?.array ?? []).compactMap(\.string) + ["<|placeholder1|>"]
      let scores = (json["scores"]?.array ?? []).compactMap(\.double).map { Float($0) } + [0]
      return base.setting("tokenizer.ggml.token_type", .integers(types + [3]))
        .setting("tokenizer.ggml.tokens", .strings(texts)).setting("tokenizer.ggml.scores", .numbers(scores))
    default: return base
    }
  }

  @Test(arguments: ["llama", "gemma", "phi3"])
  func idsAndTextsOfTheCorpus(_ kind: String) throws {
    try CorpusTests().compare(load(builder(kind)), "spm-\(kind)")
  }

  @Test(arguments: ["llama", "gemma", "phi3"])
  func writtenFolderIsTheSameTokenizer(_ kind: String) throws {
    let tokenizer = try load(builder(kind))
    let folder = try TemporaryFolder()
    try tokenizer.writeFolder(to: folder.path)
    let again = try Tokenizer.load(folder: folder.path)
    #expect(again.definition == tokenizer.definition)
    #expect(again.specialTokens == tokenizer.specialTokens)
    #expect(again.endOfTurnIDs == tokenizer.endOfTurnIDs)
    try CorpusTests().compare(again, "spm-\(kind)")
  }

  @Test(
    .enabled(
      if: realAsset("tokenizers/mistral/tokenizer.model.v1") != nil, "ANNEAL_ASSETS has no tokenizer.model of Mistral"))
  func mistral() throws {
    let file = try SentencePieceFile(path: #require(realAsset("tokenizers/mistral/tokenizer.model.v1")))
    #expect(file.texts.count == 32000)
    var builder = try builder("llama")
      .setting("tokenizer.ggml.tokens", .strings(file.texts))
      .setting("tokenizer.ggml.scores", .numbers(file.scores))
      .setting("tokenizer.ggml.token_type", .integers(file.kinds))
    for (key, id) in [("bos", 1), ("eos", 2), ("unknown", 0)] as [(String, UInt32)] {
      builder = builder.setting("tokenizer.ggml.\(key)_token_id", .unsigned(id))
    }
    try CorpusTests().compare(load(builder.setting("tokenizer.ggml.padding_token_id", nil)), "mistral-v1")
  }

  @Test func definitionDependsOnScoresAndPrefix() throws {
    let base = try builder("llama")
    let definition = try load(base).definition
    #expect(try load(base).definition == definition)
    #expect(try load(builder("gemma")).definition != definition)
    let scores = (try readJSON("Tokenization/pieces-spm.json")["scores"]?.array ?? []).compactMap(\.double)
    // Only their order says something.
    let doubled = base.setting("tokenizer.ggml.scores", .numbers(scores.map { Float($0) * 2 }))
    #expect(try load(doubled).definition == definition)
    let reversed = base.setting("tokenizer.ggml.scores", .numbers(scores.map { -Float($0) }))
    #expect(try load(reversed).definition != definition)
  }

  @Test func defaultsAreThoseOfLlama2() throws {
    var base = try builder("llama")
    for key in ["bos", "eos", "unknown", "padding"] { base = base.setting("tokenizer.ggml.\(key)_token_id", nil) }
    let tokenizer = try load(base)
    #expect(tokenizer.specialTokens.bos?.id == 1)
    #expect(tokenizer.specialTokens.eos?.id == 2)
    #expect(tokenizer.specialTokens.unknown?.id == 0)
    #expect(tokenizer.specialTokens.pad == nil)
    #expect(try [UInt8]().withUnsafeBytes { try tokenizer.encode($0, addsSpecialTokens: true) } == [1])
  }

  /// A text in pieces gets the ids of the whole, but for what only the next piece would tell.
  @Test(arguments: ["llama", "gemma"])
  func piecesOfATextGetTheSameMarks(_ kind: String) throws {
    let tokenizer = try load(builder(kind))
    var context = TextContext()
    var ids: [Int32] = []
    for piece in ["hello", " world", "<|user|>", "hello", "\n\n", " the"] {
      ids += try tokenizer.encode(piece, after: &context)
    }
    #expect(try ids == tokenizer.encode("hello world<|user|>hello\n\n the"))
  }

  /// Cutting at seams changes no ids: a model in which bytes merge is not cut, and only two zero bytes do here.
  @Test func seamsChangeNoIDs() throws {
    let whole = try load(builder("gemma"))
    let corpus = try Expectation.corpus().filter { $0.utf8.count < 200 && !$0.utf8.contains(0) }
    let folder = try TemporaryFolder()
    try whole.writeFolder(to: folder.path)
    let path = folder.path("tokenizer.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let changed = text.replacingOccurrences(of: "\"vocab\": {", with: "\"vocab\": {\"<0x00><0x00>\": 99999,")
      .replacingOccurrences(of: "\"merges\": [", with: "\"merges\": [[\"<0x00>\", \"<0x00>\"],")
    try changed.write(toFile: path, atomically: true, encoding: .utf8)
    let uncut = try Tokenizer.load(folder: folder.path)
    #expect(try uncut.encode("\0\0") == [99999])
    for round in 0..<300 {
      let text = (0..<12).map { corpus[(round * 7919 + $0 * 104_729) % corpus.count] }.joined(separator: " ")
      #expect(try whole.encode(text) == uncut.encode(text))
    }
  }

  @Test func refusalsSayWhatAndWhere() throws {
    func message(_ builder: GGUFBuilder) -> Diagnostic? {
      do {
        _ = try load(builder)
        return nil
      } catch { return diagnostics(of: error).first }
    }
    let base = try builder("llama")
    let count = try readJSON("Tokenization/pieces-spm.json")["tokens"]?.array?.count ?? 0
    let short = message(base.setting("tokenizer.ggml.scores", .numbers([0, 1])))
    #expect(short?.summary == "Invalid list of 2 scores")
    #expect(short?.reason == "there are \(count) tokens")
    #expect(short?.path == "tokenizer.ggml.scores")
    let same = message(base.setting("tokenizer.ggml.scores", .numbers([Float](repeating: -1000, count: count))))
    #expect(same?.summary.hasSuffix("pieces have the score -1000.0") == true)
    #expect(same?.reason == "scores say which pieces are put together first; this file was made without them")
    #expect(same?.path == "tokenizer.ggml.scores")
    var broken = [Float](repeating: 0, count: count)
    for id in broken.indices { broken[id] = -Float(id) }
    broken[count - 1] = .nan
    let nan = message(base.setting("tokenizer.ggml.scores", .numbers(broken)))
    #expect(nan?.summary == "Invalid score")
    #expect(nan?.path == "tokenizer.ggml.scores[\(count - 1)]")
    #expect(message(base.setting("tokenizer.ggml.scores", nil))?.summary.contains("tokenizer.ggml.scores") == true)
    let prefix = message(base.setting("tokenizer.ggml.add_space_prefix", .unsigned(1)))
    #expect(prefix?.path == "tokenizer.ggml.add_space_prefix")
  }
}
