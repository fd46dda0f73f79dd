import Diagnostics

/// What is wrong with a text as YAML.
extension LanguageProblem {
  var textWords: Words? {
    switch self {
    case .tooLarge(let size, let limit):
      Words(
        "file-too-large", "The file is too large for a pipeline", why: "it has \(size) bytes; at most \(limit) are read"
      )
    case .utf16:
      Words("not-utf8", "The file is UTF-16 text", why: "pipeline files are UTF-8", try: "Save it as UTF-8")
    case .invalidUTF8:
      Words(
        "not-utf8", "The text is not valid UTF-8 from here on", why: "pipeline files are UTF-8", try: "Save it as UTF-8"
      )
    case .controlCharacter(let scalar):
      Words("control-character", "Character U+\(Self.hex(scalar)) may not stand in a pipeline file")
    case .empty:
      Words(
        "empty-file", "The file holds no pipeline", why: "it is empty or has only comments",
        try: "Start with `pipeline: NAME` and `nodes:`")
    case .tabIndent:
      Words("tab-indent", "The line is indented with a tab", why: "YAML allows only spaces", try: "Use spaces")
    case .syntax(let problem, let context, _): Self.syntaxWords(problem, context)
    case .severalDocuments:
      Words(
        "several-documents", "A second document starts here", why: "a file holds one pipeline",
        try: "Remove the `---`, or use two files")
    case .unknownTag(let tag):
      Words(
        "unknown-tag", "Tag `\(tag)` is not known here",
        why: "the declared type of the field decides how a value is read",
        try: "Remove the tag")
    case .unknownAlias(let name, let names):
      Words(
        "unknown-alias", "Alias `*\(name)` has no anchor `&\(name)` before it",
        try: nearestName(to: name, among: names).map { "`*\($0)`" }
          ?? "Put `&\(name)` before the value that is meant, or the text in quotes")
    case .selfAlias(let name):
      Words("self-alias", "Alias `*\(name)` stands inside its own anchor", why: "it would contain itself without end")
    case .aliasBomb(let name, let limit):
      Words(
        "alias-bomb", "Alias `*\(name)` makes the file too large",
        why: "all aliases together may stand for at most \(limit) values")
    case .tooDeep(let limit):
      Words("too-deep", "Lists and maps are nested too deeply", why: "at most \(limit) levels are read")
    case .keyNotScalar: Words("bad-key", "A key is a list or a map", why: "keys are names")
    case .mergeKey:
      Words(
        "merge-key", "Merge keys (`<<`) are not allowed", why: "what overrides what would depend on the reader",
        try: "Write the fields out, or use params for the values they share")
    case .duplicateKey(let key):
      Words("duplicate-key", "Key `\(key)` stands here twice", try: "Keep one of them")
    default: nil
    }
  }

  private static func hex(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  /// libyaml's messages in the words of someone who writes a pipeline file.
  private static func syntaxWords(_ problem: String, _ context: String?) -> Words {
    switch (problem, context) {
    case ("mapping values are not allowed in this context", _):
      Words(
        "yaml-syntax", "A `:` stands where no field can start",
        why: "the line before ends a value, or the text itself holds a colon and a space",
        try: "Check the indentation and the blank after each `:`, or put the text in quotes")
    case ("did not find expected ',' or '}'", _):
      Words(
        "yaml-syntax", "A `,` or `}` is missing", why: "a `{` is still open", try: "Close it, or put the text in quotes"
      )
    case ("did not find expected ',' or ']'", _):
      Words(
        "yaml-syntax", "A `,` or `]` is missing", why: "a `[` is still open", try: "Close it, or put the text in quotes"
      )
    case ("did not find expected key", _):
      Words(
        "yaml-syntax", "No field starts here", why: "the line does not continue the map around it",
        try: "Check the indentation, and quotes on the lines before")
    case ("did not find expected '-' indicator", _):
      Words(
        "yaml-syntax", "No list item starts here", why: "the line does not continue the list around it",
        try: "Start it with `-`, or check the indentation")
    case ("could not find expected ':'", _):
      Words(
        "yaml-syntax", "A key has no `:`", why: "a field is written `name: value`",
        try: "Add the colon, or check the indentation")
    case ("found unexpected end of stream", "while scanning a quoted scalar"?):
      Words("yaml-syntax", "A quote is never closed", try: "Add the closing quote")
    case ("found character that cannot start any token", _):
      Words(
        "yaml-syntax", "A value cannot start with this character", why: "it has a meaning of its own in YAML",
        try: "Put the text in quotes")
    case ("did not find expected node content", _):
      Words(
        "yaml-syntax", "A value is missing", why: "the text goes on with something that cannot be one",
        try: "Write the value, or put the text in quotes")
    case ("found unexpected ':'", _):
      Words(
        "yaml-syntax", "A `:` needs a blank after it", why: "the value stands after the blank", try: "`name: value`")
    case ("found unknown escape character", _):
      Words(
        "yaml-syntax", "The text in double quotes has an unknown escape",
        try: "Write `\\\\` for a backslash, or use single quotes")
    default:
      Words("yaml-syntax", "The text is not YAML", why: [problem, context].compactMap { $0 }.joined(separator: " "))
    }
  }
}
