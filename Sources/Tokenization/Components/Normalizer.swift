import PreciseJSON

/// A step that rewrites the text before it is cut.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case form(NormalForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case replace(SearchText, content: String)
  case prepend(String)

  static let names = ["Sequence", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Strip", "Replace", "Prepend"]

  init(_ reader: ComponentReader) throws {
    switch try reader.type("normalizer", known: Self.names) {
    case "Sequence": self = .sequence(try reader.list("normalizers").map(Normalizer.init))
    case "Lowercase": self = .lowercase
    case "Strip":
      self = .strip(
        left: try reader.bool("strip_left", default: true), right: try reader.bool("strip_right", default: true))
    case "Replace":
      self = .replace(try SearchText(reader.required("pattern", "a pattern")), content: try reader.string("content"))
    case "Prepend": self = .prepend(try reader.string("prepend"))
    case let name: self = NormalForm(rawValue: name).map(Normalizer.form) ?? .sequence([])
    }
  }

  /// The component as HF's JSON says it, without members that change nothing.
  var json: JSON {
    switch self {
    case .sequence(let steps): ["type": "Sequence", "normalizers": .array(steps.map(\.json))]
    case .form(let form): ["type": .string(form.rawValue)]
    case .lowercase: ["type": "Lowercase"]
    case .strip(let left, let right): ["type": "Strip", "strip_left": .bool(left), "strip_right": .bool(right)]
    case .replace(let search, let content):
      ["type": "Replace", "pattern": search.json, "content": .string(content)]
    case .prepend(let text): ["type": "Prepend", "prepend": .string(text)]
    }
  }

  /// The rewritten text, or nil when nothing changes.
  ///
  /// - Parameter continues: Whether the text goes on from another one, so that it has no beginning of its own.
  func apply(_ text: UnsafeBufferPointer<UInt8>, continues: Bool = false, _ matcher: PatternMatcher) -> [UInt8]? {
    switch self {
    case .sequence(let steps):
      var current: [UInt8]?
      for step in steps {
        let next =
          current.map { $0.withUnsafeBufferPointer { step.apply($0, continues: continues, matcher) } }
          ?? step.apply(text, continues: continues, matcher)
        if let next { current = next }
      }
      return current
    case .form(let form): return form.apply(text)
    case .lowercase: return Self.lowercased(text)
    case .strip(let left, let right): return Self.stripped(text, left: left && !continues, right: right)
    case .replace(let search, let content): return search.replacing(in: text, with: Array(content.utf8), matcher)
    case .prepend(let prefix): return text.isEmpty || continues ? nil : Array(prefix.utf8) + text
    }
  }

  /// Scalar by scalar, as Rust's `char::to_lowercase`: a final sigma is not special.
  private static func lowercased(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      if scalar.isASCII {
        let byte = UInt8(scalar.value)
        out.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
      } else {
        out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
      }
    }
    return out
  }

  private static func stripped(_ text: UnsafeBufferPointer<UInt8>, left: Bool, right: Bool) -> [UInt8] {
    var start = 0
    var end = text.count
    while left, start < end {
      let (value, length) = UTF8Text.scalar(at: start, in: text)
      guard ScalarSet.whitespace.contains(value) else { break }
      start += length
    }
    while right, end > start {
      let last = UTF8Text.start(before: end, in: text)
      guard ScalarSet.whitespace.contains(UTF8Text.scalar(at: last, in: text).value) else { break }
      end = last
    }
    return Array(text[start..<end])
  }
}
