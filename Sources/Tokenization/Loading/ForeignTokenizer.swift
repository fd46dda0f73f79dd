import PreciseJSON

/// What a file is that stands where `tokenizer.json` is read, told from its bytes.
package enum ForeignTokenizer: Sendable, Hashable {
  case sentencePiece
  /// Lines of base64 and a rank.
  case tiktoken
  /// Mistral's `tekken.json`.
  case tekken
  /// A token a line, as WordPiece's `vocab.txt` has it.
  case wordList
  /// A JSON object of tokens and ids: one half of GPT-2's own files.
  case vocabulary
  case gitLFSPointer
  case gzip
  case webPage
  /// Bytes that are no text.
  case binary

  /// Nil for what may be a `tokenizer.json`.
  init?(_ bytes: UnsafeRawBufferPointer) {
    let head = String(decoding: bytes.prefix(512), as: UTF8.self)
    let trimmed = head.drop(while: \.isWhitespace)
    if bytes.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if head.hasPrefix("version https://git-lfs.github.com/spec/") {
      self = .gitLFSPointer
    } else if trimmed.lowercased().hasPrefix("<!doctype html") || trimmed.lowercased().hasPrefix("<html") {
      self = .webPage
    } else if bytes.first == 0x0A, bytes.prefix(64).contains(where: { $0 == 0x15 || $0 == 0 }) {
      // A protocol buffer whose first field is a piece: its text, and its score as a 32-bit float (field 2, tag 0x15).
      self = .sentencePiece
    } else if bytes.prefix(4096).contains(0) {
      self = .binary
    } else if trimmed.hasPrefix("{") {
      guard let kind = Self.object(bytes) else { return nil }
      self = kind
    } else if trimmed.hasPrefix("[") && trimmed.dropFirst().first.map({ $0.isLetter }) != true {
      return nil
    } else {
      let lines = head.split(separator: "\n", omittingEmptySubsequences: true).prefix(4)
      guard lines.count > 1 else { return nil }
      self = lines.allSatisfy(Self.isRankLine) ? .tiktoken : .wordList
    }
  }

  private static func isRankLine(_ line: Substring) -> Bool {
    let parts = line.split(whereSeparator: \.isWhitespace)
    guard parts.count == 2, Int(parts[1]) != nil else { return false }
    return parts[0].utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x2B, 0x2F, 0x3D].contains(byte)
    }
  }

  /// An object by the names of its first members.
  private static func object(_ bytes: UnsafeRawBufferPointer) -> ForeignTokenizer? {
    var scanner = JSONScanner(bytes, 0..<bytes.count)
    let buffer = UnescapedText()
    var numbers = 0
    do {
      try scanner.expect(UInt8(ascii: "{"))
      for index in 0..<8 {
        let key = String(decoding: try scanner.string(buffer), as: UTF8.self)
        try scanner.expect(UInt8(ascii: ":"))
        if index == 0, key == "config" {
          let config = try scanner.skipValue()
          let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[config]), as: UTF8.self)
          return text.contains("\"pattern\"") && text.contains("num_vocab") ? .tekken : nil
        }
        let value = try scanner.skipValue()
        if bytes[value].allSatisfy({ (0x30...0x39).contains($0) }) { numbers += 1 }
        guard scanner.take(UInt8(ascii: ",")) else { break }
      }
    } catch { return nil }
    return numbers > 4 ? .vocabulary : nil
  }
}

extension ForeignTokenizer {
  /// What the file is, why it is not read, and what to do.
  var words: (summary: String, reason: String?, advice: String?) {
    let convert =
      "load it with transformers and save it: `AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`"
    let only = "tokenizers are read from `tokenizer.json`, from `vocab.json` with `merges.txt`, and from GGUF files"
    return switch self {
    case .sentencePiece: ("The file is a SentencePiece model", only, convert)
    case .tiktoken: ("The file is a tiktoken vocabulary", only, convert)
    case .tekken: ("The file is Mistral's `tekken.json`", only, convert)
    case .wordList:
      ("The file is text, such as the `vocab.txt` of a WordPiece tokenizer", only, "name a `tokenizer.json`")
    case .vocabulary: ("The file is a vocabulary without merges", only, "name the folder that has both files")
    case .gitLFSPointer:
      (
        "The file is a Git LFS pointer, not the data", "the repository was cloned without its large files",
        "run `git lfs pull` in the repository"
      )
    case .gzip: ("The file is compressed with gzip", nil, "unpack it first: `gunzip -k FILE`")
    case .webPage:
      (
        "The file is a web page (HTML)", "a download often gives the page about a file in place of the file",
        "fetch the file itself"
      )
    case .binary: ("The file is not text", "there are zero bytes in it", "name a `tokenizer.json`")
    }
  }
}
