import PreciseJSON

/// What becomes of the matches of a ``Split``.
enum SplitBehavior: String, Sendable, CaseIterable {
  case isolated = "Isolated"
  case removed = "Removed"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// When `Metaspace` puts its replacement before a piece.
enum PrependScheme: String, Sendable, CaseIterable {
  case always
  case first
  case never
}

/// A step that cuts the normalised text into the pieces which byte-pair encoding then takes one by one.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool)
  case split(SearchText, SplitBehavior, isInverted: Bool)
  case digits(individually: Bool)
  case punctuation(SplitBehavior)
  case whitespace
  case whitespaceSplit
  case metaspace(replacement: Unicode.Scalar, scheme: PrependScheme, splits: Bool)

  static let names = [
    "Sequence", "ByteLevel", "Split", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit", "Metaspace",
  ]

  /// The expression by which GPT-2 cuts text, from its `encoder.py`.
  static let gpt2Expression =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  init(_ reader: ComponentReader) throws {
    switch try reader.type("pre-tokenizer", known: Self.names) {
    case "Sequence": self = .sequence(try reader.list("pretokenizers").map(PreTokenizer.init))
    case "ByteLevel":
      self = .byteLevel(
        addsPrefixSpace: try reader.bool("add_prefix_space", default: true),
        usesPattern: try reader.bool("use_regex", default: true))
    case "Split":
      self = .split(
        try SearchText(reader.required("pattern", "a pattern")), try reader.choice("behavior", kind: "behavior"),
        isInverted: try reader.bool("invert", default: false))
    case "Digits": self = .digits(individually: try reader.bool("individual_digits", default: false))
    case "Punctuation":
      self = .punctuation(try reader.choice("behavior", kind: "behavior", default: SplitBehavior.isolated))
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    default: self = try Self.metaspace(reader)
    }
  }

  private static func metaspace(_ reader: ComponentReader) throws -> PreTokenizer {
    // Files from before `prepend_scheme` say `add_prefix_space`.
    let fallback: PrependScheme = try reader.bool("add_prefix_space", default: true) ? .always : .never
    return .metaspace(
      replacement: try reader.scalar("replacement"),
      scheme: try reader.choice("prepend_scheme", kind: "prepend scheme", default: fallback),
      splits: try reader.bool("split", default: true))
  }

  /// The component as HF's JSON says it.
  var json: JSON {
    switch self {
    case .sequence(let steps): ["type": "Sequence", "pretokenizers": .array(steps.map(\.json))]
    case .byteLevel(let addsPrefixSpace, let usesPattern):
      [
        "type": "ByteLevel", "add_prefix_space": .bool(addsPrefixSpace), "trim_offsets": true,
        "use_regex": .bool(usesPattern),
      ]
    case .split(let search, let behavior, let isInverted):
      [
        "type": "Split", "pattern": search.json, "behavior": .string(behavior.rawValue), "invert": .bool(isInverted),
      ]
    case .digits(let individually): ["type": "Digits", "individual_digits": .bool(individually)]
    case .punctuation(let behavior): ["type": "Punctuation", "behavior": .string(behavior.rawValue)]
    case .whitespace: ["type": "Whitespace"]
    case .whitespaceSplit: ["type": "WhitespaceSplit"]
    case .metaspace(let replacement, let scheme, let splits):
      [
        "type": "Metaspace", "replacement": .string(String(replacement)), "prepend_scheme": .string(scheme.rawValue),
        "split": .bool(splits),
      ]
    }
  }

  /// The steps without nesting.
  var flattened: [PreTokenizer] {
    if case .sequence(let steps) = self { steps.flatMap(\.flattened) } else { [self] }
  }
}
