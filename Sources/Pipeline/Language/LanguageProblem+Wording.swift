import Diagnostics

extension LanguageProblem {
  var words: Words {
    textWords ?? scalarWords ?? pipelineWords ?? paramWords ?? graphWords
      ?? Words("invalid", "The pipeline file is not valid")
  }

  private static func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }

  /// The nearest name in backticks, else all names when they are few.
  private static func nearest(_ name: String, _ names: [String], others: String) -> String? {
    if let near = nearestName(to: name, among: names) { return "`\(near)`" }
    return names.isEmpty || names.count > 16 ? nil : "\(others) are \(list(names))"
  }

  /// The nearest name that has an effect, else the nearest that would have one, else all that have one.
  private static func nearest(
    _ name: String, _ names: [String], _ idle: [FieldDecoder.IdleName], others: String
  ) -> String? {
    if nearestName(to: name, among: names) == nil,
      let near = nearestName(to: name, among: idle.map(\.name)), let found = idle.first(where: { $0.name == near })
    {
      return "`\(near)`, \(FieldCondition.words(found.conditions))"
    }
    return nearest(name, names, others: others)
  }

  private static func noEffectWords(
    _ name: String, _ conditions: [FieldCondition], _ failing: FieldCondition.Term, _ found: [String]?, isGiven: Bool
  ) -> Words {
    switch failing {
    case .absence(let field, let reason):
      return Words(
        "no-effect", "`\(name)` has no effect beside `\(field)`",
        why: reason ?? "it has one where `\(field)` is not given", try: "Remove one of the two")
    case .value(let field, let values):
      let summary =
        found.map { found in
          let text = found.count == 1 ? found[0] : "[\(found.joined(separator: ", "))]"
          return "`\(name)` has no effect with `\(field): \(text)`"
        } ?? "`\(name)` has no effect without `\(field)`"
      // A choice that nobody made is as good a reason as one that somebody did, but harder to see.
      let unsaid = found == nil || isGiven ? "" : ", which holds unless given"
      let advice = conditions.count == 1 && values.count == 1 ? ", or say `\(field): \(values[0])`" : ""
      return Words(
        "no-effect", summary + unsaid, why: "it has one \(FieldCondition.words(conditions))", try: "Remove it" + advice)
    }
  }

  private var textWords: Words? {
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
        try: nearestName(to: name, among: names).map { "`*\($0)`" })
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
        try: "Check the indentation, or put the text in quotes")
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

  private var scalarWords: Words? {
    switch self {
    case .notABool(let text):
      Words("not-a-bool", "`\(text)` is not a truth value", try: "Write `true` or `false`")
    case .notANumber(let text, let wanted): Words("not-a-number", "`\(text)` is not \(wanted)")
    case .notFinite(let text, let wanted):
      Words("not-finite", "`\(text)` is not \(wanted)", why: "infinities and NaN are refused")
    case .digitSeparators(let text, let advice):
      Words(
        "digit-separators", "`\(text)` is not a number", why: "digits have no separators in YAML 1.2",
        try: "`\(advice)`")
    case .decimalComma(let text, let wanted, let decimal, let thousands):
      Words(
        "decimal-comma", "`\(text)` is not \(wanted)", why: "the decimal sign of YAML is the point",
        try: thousands.map { "`\(decimal)` or `\($0)`" } ?? "`\(decimal)`")
    case .leadingZero(let text, let advice):
      Words(
        "leading-zero", "`\(text)` has a leading zero", why: "some tools read such numbers as octal", try: "`\(advice)`"
      )
    case .quoted(let text, let wanted):
      Words(
        "quoted-value", "`\(text)` is text", why: "it is in quotes, and \(wanted) is wanted here",
        try: "Remove the quotes")
    case .numberTooLarge(let text): Words("number-too-large", "`\(text)` is too large a number")
    case .notWhole(let text): Words("not-whole", "`\(text)` is not a whole number")
    case .outOfRange(let value, let range):
      Words("out-of-range", "`\(value)` is out of range", why: "it must be \(range)")
    case .unknownChoice(let text, let names):
      Words(
        "unknown-choice", "`\(text)` is not one of \(Self.list(names))",
        try: nearestName(to: text, among: names).map { "`\($0)`" })
    case .notATime(let text):
      Words("not-a-time", "`\(text)` is not a time", try: "Seconds such as `90`, or `90s`, `15m`, `2h`, `1d`")
    case .notMemory(let text):
      Words("not-memory", "`\(text)` is not an amount of memory", try: "`512MB`, `8GB` or `8GiB`")
    case .emptyPath: Words("empty-path", "The path is empty")
    case .pathWithZero: Words("bad-path", "The path has a zero byte in it", why: "the system would read it up to there")
    case .homePath(let text):
      Words(
        "bad-path", "`\(text)` would be a folder named `~`", why: "only shells know `~` as the home folder",
        try: "Write the whole path")
    case .noValue(let name, let wanted):
      Words("no-value", "`\(name)` has no value", why: "\(wanted) is wanted")
    case .wantsScalar(let wanted, let found):
      Words("wrong-kind", "\(found.capitalizedFirst) stands here", why: "\(wanted) is wanted")
    case .wantsList(let found):
      Words("wrong-kind", "\(found.capitalizedFirst) stands here", why: "a list is wanted", try: "`[first, second]`")
    case .wantsMap(let found, let names):
      Words(
        "wrong-kind", "\(found.capitalizedFirst) stands here",
        why: "a map is wanted, with fields from \(Self.list(names))")
    default: nil
    }
  }

  private var pipelineWords: Words? {
    switch self {
    case .notAPipeline(let found):
      Words(
        "not-a-pipeline", "\(found.capitalizedFirst) stands where the pipeline's map is wanted",
        try: "Start with `pipeline: NAME` and `nodes:`")
    case .unknownTopLevel(let key, let names):
      Words(
        "unknown-key", "Unknown key `\(key)`", why: "a pipeline file has \(Self.list(names))",
        try: nearestName(to: key, among: names).map { "`\($0)`" })
    case .missingTopLevel(let key, let advice): Words("missing-key", "`\(key)` is missing", try: advice)
    case .topLevelKind(let key, let wanted, let found):
      Words("wrong-kind", "`\(key)` is \(found)", why: "\(wanted) is wanted")
    case .noNodes: Words("no-nodes", "The pipeline has no nodes", try: "Add one under `nodes:`")
    case .badName(let kind, let name):
      Words(
        "bad-name", "`\(name)` is no name for a \(kind)",
        why: "names start with a letter or `_` and go on with letters, digits, `_` and `-`")
    case .badPipelineName(let name):
      Words(
        "bad-name", "`\(name)` is no name for a pipeline",
        why: "it names a folder: letters, digits, `_`, `-` and `.`, starting with a letter or digit")
    case .longName(let kind, let name, let limit):
      Words(
        "long-name",
        "The name of a \(kind) has \(name.utf8.count) letters, at most \(limit) are possible: `\(name.prefix(20))…`",
        why: "files and folders are named after it", try: "Shorten it")
    case .nodeNotMap(let name, let found):
      Words("wrong-kind", "Node `\(name)` is \(found)", why: "a node is a map", try: "`\(name): {type: …}`")
    case .nodeWithoutType(let name, let types):
      Words("missing-type", "Node `\(name)` has no `type`", try: "One of \(Self.list(types))")
    case .unknownType(let name, let names):
      Words("unknown-type", "Unknown node type `\(name)`", try: Self.nearest(name, names, others: "Node types"))
    case .unknownKey(let key, let node, let type, let names, let idle):
      Words(
        "unknown-field", "Unknown field `\(key)`",
        why: "node `\(node)` is of type `\(type)`, which has no such field or input",
        try: Self.nearest(key, names, idle, others: "Its fields and inputs"))
    case .unknownGroupField(let key, let names, let idle):
      Words("unknown-field", "Unknown field `\(key)`", try: Self.nearest(key, names, idle, others: "Fields here"))
    case .noEffect(let name, let conditions, let failing, let found, let isGiven):
      Self.noEffectWords(name, conditions, failing, found, isGiven: isGiven)
    case .missingField(let name, let doc): Words("missing-field", "Field `\(name)` is missing", why: doc.loweredFirst)
    case .missingPort(let name, let types, let advice):
      Words(
        "missing-input", "Input `\(name)` is missing",
        why: "it takes the name of a node that gives \(Self.either(types))", try: advice)
    default: nil
    }
  }

  private static func either(_ types: [String]) -> String { types.map { "`\($0)`" }.joined(separator: " or ") }

  private var paramWords: Words? {
    switch self {
    case .paramKind(let name, let found):
      Words("bad-param", "Param `\(name)` is \(found)", why: "a param is a value or a list of values")
    case .unknownParam(let name, let names):
      Words("unknown-param", "Unknown param `\(name)`", try: Self.nearest(name, names, others: "Params"))
    case .laterParam(let name):
      Words(
        "later-param", "Param `\(name)` is given further down", why: "a param may use those above it",
        try: "Move `\(name)` up")
    case .selfParam(let name): Words("self-param", "Param `\(name)` uses itself")
    case .badParamReference(let text):
      Words(
        "bad-param-reference", "`\(text)` is not a reference to a param", try: "`${name}`, or `$${` for the text `${`")
    case .paramInText(let name, let found):
      Words(
        "bad-param-reference", "Param `\(name)` cannot stand inside a text", why: "it is \(found)",
        try: "Use `${\(name)}` alone")
    case .paramsTooLarge: Words("params-too-large", "Params make this value too large")
    case .unusedParam(let name): Words("unused-param", "Param `\(name)` is not used").asWarning()
    case .overrideForm(let text):
      Words(
        "bad-override", "`\(text)` changes nothing", why: "`--set` takes `NAME=VALUE`",
        try: "`--set learning_rate=1e-4` or `--set nodes.sft.rank=8`")
    case .overrideRoot(let path, let params):
      Words(
        "unknown-override", "Nothing is called `\(path)`",
        why: "`--set` takes the name of a param, or `nodes.NODE.FIELD`",
        try: Self.nearest(path, params, others: "Params"))
    case .overrideTarget(let name, let names, let what):
      Words(
        "unknown-override", "No \(what) is called `\(name)`", try: Self.nearest(name, names, others: "Its \(what)s"))
    case .overrideNotMap(let path): Words("unknown-override", "`\(path)` has no fields of its own")
    default: nil
    }
  }

  private var graphWords: Words? {
    switch self {
    case .portNotNode(let port, let found):
      Words(
        "bad-reference", "\(found.capitalizedFirst) stands here", why: "input `\(port)` takes the name of a node",
        try: "`NODE` or `NODE.OUTPUT`")
    case .severalNodes(let port): Words("bad-reference", "A list stands here", why: "input `\(port)` takes one node")
    case .emptyList(let port):
      Words("bad-reference", "The list is empty", why: "input `\(port)` takes at least one node")
    case .unknownNode(let name, let names):
      Words("unknown-node", "Unknown node `\(name)`", try: Self.nearest(name, names, others: "Nodes"))
    case .ownOutput(let node): Words("own-output", "Node `\(node)` takes its own output")
    case .unknownOutput(let output, let node, let names):
      Words(
        "unknown-output", "Node `\(node)` has no output `\(output)`",
        try: Self.nearest(output, names, others: "Its outputs"))
    case .severalOutputs(let node, let outputs):
      Words(
        "which-output", "Node `\(node)` has several outputs",
        try: "One of \(Self.list(outputs.map { "\(node).\($0)" }))")
    case .noOutputs(let node, let type):
      Words("no-output", "Node `\(node)` gives nothing", why: "node type `\(type)` has no outputs")
    case .cycle(let nodes):
      Words(
        "cycle", "Nodes wait for each other: \(nodes.map { "`\($0)`" }.joined(separator: " → "))",
        why: "each takes an output of the one before it")
    case .portType(let port, let node, let takes, let producer, let output, let gives, let fitting):
      Words(
        "port-type", "Input `\(port)` of node `\(node)` takes \(Self.either(takes)), not `\(gives)`",
        why: "node `\(producer)` gives `\(gives)` at its output `\(output)`",
        try: fitting.isEmpty ? nil : fitting.count == 1 ? "`\(fitting[0])`" : "One of \(Self.list(fitting))")
    case .conflict(let conflict, let node, let producers):
      Words(
        "conflict", conflict.summary,
        why: (producers.isEmpty
          ? ["node `\(node)`"] : ["node `\(node)` takes \(producers.joined(separator: ", "))"])
          .joined() + (conflict.reason.map { "; \($0)" } ?? ""),
        try: conflict.advice)
    case .sharedPlace(let place, let other, let isSame):
      Words(
        "shared-folder",
        isSame
          ? "Two nodes put their files into one folder, `\(place)`"
            + (place == other ? "" : ", which is `\(other)` too")
          : "Two nodes put their files into folders of which one lies in the other: `\(other)` and `\(place)`",
        why: "each would replace or remove files of the other's", try: "Give each a folder of its own")
    case .placeOfSource(let place, let source, let node):
      Words(
        "folder-of-source", "The folder `\(place)` holds what the pipeline reads",
        why: "node `\(node)` reads `\(source)`, which would be replaced, or read otherwise by the next run",
        try: "Name a folder of its own")
    case .noOutputsListed:
      Words("no-outputs", "`outputs` is empty", try: "Name the nodes whose results are wanted, or leave `outputs` out")
    case .unusedNode(let node):
      Words(
        "unused-node", "Node `\(node)` is not run", why: "nothing in `outputs` needs it",
        try: "Add it to `outputs`, or remove it"
      ).asWarning()
    default: nil
    }
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
  fileprivate var loweredFirst: String { prefix(1).lowercased() + dropFirst() }
}
