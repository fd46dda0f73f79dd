import PreciseJSON

/// A step that turns the texts of tokens back into text.
indirect enum TokenDecoder: Sendable {
  case sequence([TokenDecoder])
  case byteLevel
  case replace(SearchText, content: String)
  case byteFallback
  case fuse
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case metaspace(replacement: Unicode.Scalar, scheme: PrependScheme)

  static let names = ["Sequence", "ByteLevel", "Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"]

  init(_ reader: ComponentReader) throws {
    switch try reader.type("decoder", known: Self.names) {
    case "Sequence": self = .sequence(try reader.list("decoders").map(TokenDecoder.init))
    case "ByteLevel": self = .byteLevel
    case "Replace":
      self = .replace(try SearchText(reader.required("pattern", "a pattern")), content: try reader.string("content"))
    case "ByteFallback": self = .byteFallback
    case "Fuse": self = .fuse
    case "Strip":
      let start = try reader.required("start", "a count").int()
      let stop = try reader.required("stop", "a count").int()
      guard start >= 0, stop >= 0 else {
        throw reader.error(.invalidValue("count of stripped characters", reason: "it is negative"))
      }
      self = .strip(try reader.scalar("content"), start: start, stop: stop)
    default:
      let fallback: PrependScheme = try reader.bool("add_prefix_space", default: true) ? .always : .never
      self = .metaspace(
        replacement: try reader.scalar("replacement"),
        scheme: try reader.choice("prepend_scheme", kind: "prepend scheme", default: fallback))
    }
  }

  /// The component as HF's JSON says it.
  var json: JSON {
    switch self {
    case .sequence(let steps): ["type": "Sequence", "decoders": .array(steps.map(\.json))]
    case .byteLevel: ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true]
    case .replace(let search, let content):
      ["type": "Replace", "pattern": search.json, "content": .string(content)]
    case .byteFallback: ["type": "ByteFallback"]
    case .fuse: ["type": "Fuse"]
    case .strip(let scalar, let start, let stop):
      ["type": "Strip", "content": .string(String(scalar)), "start": JSON(start), "stop": JSON(stop)]
    case .metaspace(let replacement, let scheme):
      [
        "type": "Metaspace", "replacement": .string(String(replacement)), "prepend_scheme": .string(scheme.rawValue),
        "split": true,
      ]
    }
  }

  /// Whether the bytes of a text are the bytes of its tokens one after the other, each by GPT-2's alphabet.
  var isByteLevelOnly: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let steps): steps.count == 1 && steps[0].isByteLevelOnly
    default: false
    }
  }

  /// The pieces after this step; joined they are the text, which may hold invalid UTF-8.
  func apply(_ pieces: [[UInt8]], _ matcher: PatternMatcher) -> [[UInt8]] {
    switch self {
    case .sequence(let steps): return steps.reduce(pieces) { $1.apply($0, matcher) }
    case .byteLevel:
      var bytes: [UInt8] = []
      for piece in pieces {
        piece.withUnsafeBufferPointer { piece in
          if !ByteLevelAlphabet.appendBytes(of: piece, to: &bytes) { bytes.append(contentsOf: piece) }
        }
      }
      return [bytes]
    case .replace(let search, let content):
      let content = Array(content.utf8)
      return pieces.map { piece in
        piece.withUnsafeBufferPointer { search.replacing(in: $0, with: content, matcher) } ?? piece
      }
    case .byteFallback: return Self.withBytes(pieces)
    case .fuse: return [Array(pieces.joined())]
    case .strip(let scalar, let start, let stop):
      let bytes = Array(String(scalar).utf8)
      return pieces.map { Self.stripped($0, bytes, start: start, stop: stop) }
    case .metaspace(let replacement, let scheme):
      let mark = Array(String(replacement).utf8)
      return pieces.enumerated().map { index, piece in
        let content: [UInt8] = index == 0 && scheme != .never ? [] : [0x20]
        return piece.withUnsafeBufferPointer { SearchText.literal(mark).replacing(in: $0, with: content, matcher) }
          ?? piece
      }
    }
  }

  /// Pieces `<0x41>` become bytes; a run of them that is not UTF-8 becomes one U+FFFD a piece.
  private static func withBytes(_ pieces: [[UInt8]]) -> [[UInt8]] {
    var out: [[UInt8]] = []
    var run: [UInt8] = []
    func flush() {
      guard !run.isEmpty else { return }
      if String(validating: run, as: UTF8.self) != nil {
        out.append(run)
      } else {
        out += [[UInt8]](repeating: [0xEF, 0xBF, 0xBD], count: run.count)
      }
      run = []
    }
    for piece in pieces {
      if let byte = byte(of: piece) {
        run.append(byte)
      } else {
        flush()
        out.append(piece)
      }
    }
    flush()
    return out
  }

  /// The byte that a piece `<0x41>` names.
  static func byte(of piece: [UInt8]) -> UInt8? {
    guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece[5] == UInt8(ascii: ">") else { return nil }
    return UInt8(String(decoding: piece[3..<5], as: UTF8.self), radix: 16)
  }

  private static func stripped(_ piece: [UInt8], _ mark: [UInt8], start: Int, stop: Int) -> [UInt8] {
    var slice = piece[...]
    for _ in 0..<start where slice.starts(with: mark) { slice = slice.dropFirst(mark.count) }
    for _ in 0..<stop where slice.suffix(mark.count).elementsEqual(mark) { slice = slice.dropLast(mark.count) }
    return Array(slice)
  }
}
