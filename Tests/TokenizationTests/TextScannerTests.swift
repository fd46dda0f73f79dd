import PreciseJSON
import TestKit
import Testing
import Tokenization

/// The scanners written for known expressions cut as PCRE2 does.
///
/// The same expression in a group of its own is one that no scanner knows.
@Suite struct TextScannerTests {
  static let expressions = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
      + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"#
      + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    #"\p{N}{1,3}"#, #"\p{N}"#, "[一-龥぀-ゟ゠-ヿ]+",
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"## + "|[^\r\n"
      + #"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"# + "[\r\n]*|\\s*[\r\n]+" + #"|\s+(?!\S)|\s+"#,
  ]

  private func tokenizer(_ expression: String) throws -> Tokenizer {
    let file: JSON = [
      "pre_tokenizer": [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Split", "pattern": ["Regex": .string(expression)], "behavior": "Isolated", "invert": false],
          ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
        ],
      ],
      "model": ["type": "BPE", "vocab": ["a": 0], "merges": []],
    ]
    let folder = try TemporaryFolder()
    try folder.write(file.text(), to: "tokenizer.json")
    return try Tokenizer.load(folder: folder.path)
  }

  private func compare(_ texts: some Sequence<String>, _ expression: String) throws {
    let scanned = try tokenizer(expression)
    let matched = try tokenizer("(?:\(expression))")
    var wrong: [String] = []
    for text in texts {
      let pieces = try scanned.pieces(of: text)
      if try pieces != matched.pieces(of: text) { wrong.append(text) }
      if !pieces.joined().elementsEqual(text.utf8) { wrong.append(text) }
    }
    #expect(wrong.isEmpty, "\(wrong.count), such as \(wrong[0].debugDescription)")
  }

  @Test(arguments: expressions)
  func corpus(_ expression: String) throws { try compare(Expectation.corpus(), expression) }

  /// Every scalar of the planes in use, beside a letter, a digit, a space, a line end and itself.
  @Test(arguments: expressions)
  func everyScalar(_ expression: String) throws {
    let planes = [0..<0x40000, 0xE0000..<0xE0200] as [Range<UInt32>]
    let texts = planes.joined().lazy.split { $0 % 64 == 63 }.map { block in
      var text = String.UnicodeScalarView()
      for scalar in block.compactMap(Unicode.Scalar.init) {
        text.append(contentsOf: "a'".unicodeScalars)
        text.append(scalar)
        text.append(contentsOf: "1 ".unicodeScalars)
        text.append(scalar)
        text.append(scalar)
        text.append(contentsOf: "\n".unicodeScalars)
        text.append(scalar)
      }
      return String(text)
    }
    try compare(texts, expression)
  }

  /// Short strings over an alphabet of what the expressions tell apart.
  @Test(arguments: expressions)
  func mixtures(_ expression: String) throws {
    let spaces = " \t\n\r\u{85}\u{A0}\u{3000}"
    let alphabet = Array(
      ("aZsStTrReEvVlLdDmM''" + spaces + "\u{17F}\u{212A}é\u{301}ßΩ语ひカ1２٣½!.#_«€\u{1F600}\u{200D}\0").unicodeScalars)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let texts = (0..<20_000).map { _ in
      String(String.UnicodeScalarView((0..<next(14)).map { _ in alphabet[next(alphabet.count)] }))
    }
    try compare(texts, expression)
  }
}
