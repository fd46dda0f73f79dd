import PreciseJSON
import TestKit
import Testing
import Tokenization

/// Every scalar of Unicode is to patterns and normalisers what it is to HF `tokenizers`.
///
/// Red after an upgrade of PCRE2 or Swift means that its Unicode has characters which the reference does not know yet.
@Suite struct ScalarTests {
  /// All scalars, each followed by `a`.
  private static let text: String = {
    var text = String.UnicodeScalarView()
    for value in 0..<0x110000 as Range<UInt32> {
      guard let scalar = Unicode.Scalar(value) else { continue }
      text.append(scalar)
      text.append("a")
    }
    return String(text)
  }()

  /// What is left of the text by a byte-level tokenizer of single bytes with these components.
  private func digest(normalizer: JSON, pattern: String?) throws -> String {
    var scalars = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
    scalars += Array(0x100..<(0x100 + 256 - scalars.count))
    let vocabulary = scalars.enumerated().map { index, value in
      (key: String(Unicode.Scalar(UInt16(value)).map(Character.init) ?? " "), value: JSON(index))
    }
    var steps: [JSON] = [["type": "ByteLevel", "add_prefix_space": false, "use_regex": false]]
    if let pattern {
      steps.insert(
        ["type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Removed", "invert": false], at: 0)
    }
    let file: JSON = [
      "normalizer": normalizer, "pre_tokenizer": ["type": "Sequence", "pretokenizers": .array(steps)],
      "decoder": ["type": "ByteLevel"], "model": ["type": "BPE", "vocab": JSON(vocabulary), "merges": []],
    ]
    let folder = try TemporaryFolder()
    try folder.write(file.text(), to: "tokenizer.json")
    let tokenizer = try Tokenizer.load(folder: folder.path)
    let text = try tokenizer.decode(try tokenizer.encode(Self.text), skipsSpecialTokens: false)
    return Expectation.digest(text).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count < 2 ? "0" + digits : digits
    }.joined()
  }

  @Test func patterns() throws {
    let expected = try readJSON("Tokenization/scalars.json")["patterns"]?.object?.members ?? []
    #expect(expected.count == 10)
    for (pattern, wanted) in expected {
      #expect(try digest(normalizer: .null, pattern: pattern) == wanted.string, "\(pattern)")
    }
  }

  @Test func normalizers() throws {
    let expected = try readJSON("Tokenization/scalars.json")["normalizers"]?.object?.members ?? []
    #expect(expected.count == 5)
    for (name, wanted) in expected {
      #expect(try digest(normalizer: ["type": .string(name)], pattern: nil) == wanted.string, "\(name)")
    }
  }
}
