import Diagnostics
import Foundation
import TestKit
import Testing
import Tokenization

/// What is no `tokenizer.json` is named as what it is.
@Suite struct ForeignFileTests {
  static let files: [(String, [UInt8])] = [
    ("The file is a SentencePiece model", [0x0A, 0x0E, 0x0A, 5] + Array("<unk>".utf8) + [0x15, 0, 0, 0, 0, 0x18, 2]),
    ("The file is a tiktoken vocabulary", Array("IQ== 0\nIg== 1\nIw== 2\n".utf8)),
    (
      "The file is Mistral's `tekken.json`",
      Array(#"{"config": {"pattern": "[^a]+", "num_vocab_tokens": 3}, "vocab": []}"#.utf8)
    ),
    ("The file is text, such as the `vocab.txt` of a WordPiece tokenizer", Array("[PAD]\n[unused0]\nthe\n".utf8)),
    ("The file is a vocabulary without merges", Array(#"{"!": 0, "\"": 1, "a": 2, "b": 3, "c": 4, "d": 5}"#.utf8)),
    (
      "The file is a Git LFS pointer, not the data",
      Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 17\n".utf8)
    ),
    ("The file is compressed with gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]),
    ("The file is a web page (HTML)", Array("\n<!DOCTYPE html><html>".utf8)),
    ("The file is not text", [1, 2, 0, 3]),
  ]

  @Test(arguments: files)
  func isNamed(_ summary: String, _ bytes: [UInt8]) throws {
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("tokenizer.json")))
    do {
      _ = try Tokenizer.load(folder: folder.path)
      Issue.record("\(summary) is read")
    } catch {
      let found = try #require(diagnostics(of: error).first)
      #expect(found.summary == summary)
      #expect(found.advice != nil)
      #expect(found.place?.file == folder.path("tokenizer.json"))
    }
  }
}
