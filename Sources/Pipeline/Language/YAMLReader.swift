import CYAML
import Diagnostics

/// Reads a YAML text into a located tree, from libyaml's events.
///
/// libyaml knows YAML 1.1, but types of scalars are decided by whoever takes the value, so only its syntax matters.
/// Refused beyond that: duplicate keys, merge keys, keys that are not scalars, tags outside the core, several
/// documents, aliases that blow up, and deep nesting.
struct YAMLReader {
  /// Deepest nesting of lists and maps.
  static let depthLimit = 64
  /// Most values that all aliases of a text may stand for together.
  static let aliasLimit = 10_000
  /// Largest text in bytes.
  static let sizeLimit = 16 << 20

  private let source: SourceText
  private var diagnostics: [Diagnostic] = []
  private var open: [Container] = []
  private var root: LocatedValue?
  private var anchors: [[UInt8]: LocatedValue] = [:]
  private var openAnchors: Set<[UInt8]> = []
  private var aliased = 0

  /// A list or map whose end has not come yet.
  private struct Container {
    var isMap: Bool
    var mark: Mark
    var anchor: [UInt8]?
    var items: [LocatedValue] = []
    var pairs: [LocatedValue.Pair] = []
    var keyMarks: [[UInt8]: Mark] = [:]
    var key: LocatedValue.Key?
    /// Set while the value of a refused key is read, which is then dropped.
    var dropsValue = false
  }

  private init(_ source: SourceText) { self.source = source }

  /// The tree, nil for a text without a value.
  ///
  /// - Throws: `DiagnosticList` with everything wrong about the text as YAML.
  static func read(_ source: SourceText) throws -> LocatedValue? {
    var reader = YAMLReader(source)
    if let problem = reader.textProblem() { throw DiagnosticList([problem]) }
    reader.readEvents()
    if reader.diagnostics.hasErrors { throw DiagnosticList(reader.diagnostics) }
    return reader.root
  }

  private mutating func report(_ problem: LanguageProblem, at mark: Mark, related: [Diagnostic.Related] = []) {
    diagnostics.append(problem.diagnostic(at: mark, path: pathText, related: related))
  }

  /// The path to where the reader is.
  private var pathText: String? {
    var text = ""
    for container in open {
      if let key = container.key {
        text += text.isEmpty ? key.text : ".\(key.text)"
      } else if !container.isMap {
        text += "[\(container.items.count)]"
      }
    }
    return text.isEmpty ? nil : text
  }

  // MARK: Bytes

  /// What makes the text no YAML before its syntax is looked at: its encoding and control characters.
  private func textProblem() -> Diagnostic? {
    let bytes = source.bytes
    if bytes.count > Self.sizeLimit {
      return LanguageProblem.tooLarge(bytes.count, limit: Self.sizeLimit).diagnostic(at: source.wholeMark)
    }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      return LanguageProblem.utf16.diagnostic(at: source.wholeMark)
    }
    var line = 1
    var column = 1
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var previous: Unicode.Scalar?
    while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: return nil
      case .error: return LanguageProblem.invalidUTF8.diagnostic(at: source.mark(line: line, column: column))
      case .scalarValue(let scalar):
        switch scalar {
        case "\n" where previous == "\r": break
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
          line += 1
          column = 1
        case "\t": column += 1
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}", ParamMarker.open,
          ParamMarker.close:
          return LanguageProblem.controlCharacter(scalar).diagnostic(at: source.mark(line: line, column: column))
        default: column += 1
        }
        previous = scalar
      }
    }
  }

  // MARK: Events

  private mutating func readEvents() {
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else {
      report(.syntax(problem: "out of memory", context: nil, contextMark: nil), at: source.wholeMark)
      return
    }
    defer { yaml_parser_delete(&parser) }
    ParamMarker.marked(source.bytes).withUnsafeBufferPointer { bytes in
      yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      // libyaml wants a pointer even for no bytes.
      withUnsafePointer(to: 0 as UInt8) { empty in
        yaml_parser_set_input_string(&parser, bytes.baseAddress ?? empty, bytes.count)
        var documents = 0
        while true {
          var event = yaml_event_t()
          guard yaml_parser_parse(&parser, &event) == 1 else {
            reportSyntax(parser)
            return
          }
          defer { yaml_event_delete(&event) }
          if event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT { return }
          if event.type == YAML_DOCUMENT_START_EVENT {
            documents += 1
            if documents > 1 {
              report(.severalDocuments, at: mark(event.start_mark))
              return
            }
          }
          guard take(event) else { return }
        }
      }
    }
  }

  private func mark(_ mark: yaml_mark_t) -> Mark { source.mark(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }

  private mutating func reportSyntax(_ parser: yaml_parser_t) {
    let problem = parser.problem.map { String(cString: $0) } ?? "the text is not YAML"
    let context = parser.context.map { String(cString: $0) }
    let contextMark = context == nil ? nil : mark(parser.context_mark)
    let at = mark(parser.problem_mark)
    open = []
    if let line = at.line, source.lines.indices.contains(line - 1) {
      let indent = source.lines[line - 1].unicodeScalars.prefix { $0 == " " || $0 == "\t" }
      if let tab = Array(indent).firstIndex(of: "\t"), (at.column ?? 0) <= indent.count + 1 {
        report(.tabIndent, at: source.mark(line: line, column: tab + 1))
        return
      }
    }
    // What is open at the end of the text was left open where it starts.
    let isAtEnd = (at.line ?? 0) >= source.lines.count
    let start = isAtEnd ? contextMark ?? at : at
    report(.syntax(problem: problem, context: context, contextMark: contextMark), at: start)
  }

  /// Takes one event; false when reading on makes no sense.
  private mutating func take(_ event: yaml_event_t) -> Bool {
    let at = mark(event.start_mark)
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = ParamMarker.unmarked(
        String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self))
      let tag = string(scalar.tag)
      var isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      if let tag {
        switch YAMLTag(tag) {
        case .text: isPlain = false
        case .scalar: isPlain = true
        default: report(.unknownTag(YAMLTag.short(tag)), at: at)
        }
      }
      let value = LocatedValue(.scalar(LocatedValue.Scalar(text: text, isPlain: isPlain)), at: at)
      if let anchor = bytes(scalar.anchor) { anchors[anchor] = value }
      return place(value, isPlainScalar: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      if let tag = string(start.tag), YAMLTag(tag) != .list { report(.unknownTag(YAMLTag.short(tag)), at: at) }
      return begin(isMap: false, at, anchor: bytes(start.anchor))
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      if let tag = string(start.tag), YAMLTag(tag) != .map { report(.unknownTag(YAMLTag.short(tag)), at: at) }
      return begin(isMap: true, at, anchor: bytes(start.anchor))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      guard let container = open.popLast() else { return false }
      let value = LocatedValue(container.isMap ? .map(container.pairs) : .list(container.items), at: container.mark)
      if let anchor = container.anchor {
        openAnchors.remove(anchor)
        anchors[anchor] = value
      }
      return place(value, isPlainScalar: false)
    case YAML_ALIAS_EVENT:
      return takeAlias(bytes(event.data.alias.anchor) ?? [], at)
    default:
      return true
    }
  }

  private mutating func takeAlias(_ name: [UInt8], _ at: Mark) -> Bool {
    let shown = String(decoding: name, as: UTF8.self)
    guard !openAnchors.contains(name) else {
      report(.selfAlias(shown), at: at)
      return false
    }
    guard let value = anchors[name] else {
      let names = anchors.keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
      report(.unknownAlias(shown, among: names), at: at)
      return place(LocatedValue(.scalar(LocatedValue.Scalar(text: "", isPlain: true)), at: at), isPlainScalar: false)
    }
    aliased += value.count
    guard aliased <= Self.aliasLimit else {
      report(.aliasBomb(shown, limit: Self.aliasLimit), at: at)
      return false
    }
    return place(value, isPlainScalar: false)
  }

  private mutating func begin(isMap: Bool, _ at: Mark, anchor: [UInt8]?) -> Bool {
    guard open.count < Self.depthLimit else {
      report(.tooDeep(limit: Self.depthLimit), at: at)
      return false
    }
    if let anchor { openAnchors.insert(anchor) }
    open.append(Container(isMap: isMap, mark: at, anchor: anchor))
    return true
  }

  /// Puts a complete value where it belongs: as the root, an item, a key or a key's value.
  private mutating func place(_ value: LocatedValue, isPlainScalar: Bool) -> Bool {
    guard let last = open.indices.last else {
      root = value
      return true
    }
    guard open[last].isMap else {
      open[last].items.append(value)
      return true
    }
    if let key = open[last].key {
      if !open[last].dropsValue { open[last].pairs.append(LocatedValue.Pair(key: key, value: value)) }
      open[last].key = nil
      open[last].dropsValue = false
      return true
    }
    guard case .scalar(let scalar) = value.content else {
      report(.keyNotScalar, at: value.mark)
      open[last].key = LocatedValue.Key(text: "", mark: value.mark)
      open[last].dropsValue = true
      return true
    }
    let bytes = Array(scalar.text.utf8)
    if isPlainScalar, scalar.text == "<<" {
      report(.mergeKey, at: value.mark)
      open[last].dropsValue = true
    } else if let first = open[last].keyMarks[bytes] {
      // The path names the key.
      open[last].key = LocatedValue.Key(text: scalar.text, mark: value.mark)
      let related = Diagnostic.Related("the first `\(scalar.text)` is here", at: first.place)
      report(.duplicateKey(scalar.text), at: value.mark, related: [related])
      open[last].dropsValue = true
    } else {
      open[last].keyMarks[bytes] = value.mark
    }
    open[last].key = LocatedValue.Key(text: scalar.text, mark: value.mark)
    return true
  }

  private func bytes(_ name: UnsafeMutablePointer<yaml_char_t>?) -> [UInt8]? {
    name.map { Array(String(cString: $0).utf8) }
  }

  private func string(_ name: UnsafeMutablePointer<yaml_char_t>?) -> String? { name.map { String(cString: $0) } }
}
