import Foundation
import PreciseJSON
import TestKit
import Testing

/// What HF `tokenizers` makes of the corpus with one tokenizer; written by `scripts/reference/tokenizer_ids.py`.
struct Expectation {
  /// Digests of ids, of decoded texts, and of those without special tokens: 8 bytes a string.
  let ids: [UInt8]
  let texts: [UInt8]
  let bareTexts: [UInt8]
  /// All ids of the first strings.
  let first: [[Int32]]
  let withSpecialTokens: [[Int32]]

  init(_ name: String) throws {
    let json = try readJSON("Tokenization/expected-\(name).json")
    func bytes(_ key: String) throws -> [UInt8] {
      try Array(#require(Data(base64Encoded: json[key]?.string ?? "")))
    }
    ids = try bytes("ids")
    texts = try bytes("texts")
    bareTexts = try bytes("bareTexts")
    func lists(_ key: String) -> [[Int32]] {
      (json[key]?.array ?? []).map { ($0.array ?? []).compactMap { $0.int.map { Int32($0) } } }
    }
    first = lists("first")
    withSpecialTokens = lists("withSpecialTokens")
  }

  /// The strings that all tokenizers are compared on.
  static func corpus() throws -> [String] {
    try (readJSON("Tokenization/corpus.json").array ?? []).compactMap(\.string)
  }

  /// The first 8 bytes of SHA-256 over the ids as little-endian 32-bit numbers.
  static func digest(_ ids: [Int32]) -> ArraySlice<UInt8> {
    SHA256.digest(of: ids.flatMap { id in withUnsafeBytes(of: id.littleEndian) { Array($0) } }).prefix(8)
  }

  static func digest(_ text: String) -> ArraySlice<UInt8> { SHA256.digest(of: Array(text.utf8)).prefix(8) }
}

func readJSON(_ path: String) throws -> JSON {
  try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: fixture(path)))), file: path)
}
