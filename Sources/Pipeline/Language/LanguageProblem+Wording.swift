import Diagnostics

extension LanguageProblem {
  var words: Words {
    textWords ?? scalarWords ?? pipelineWords ?? paramWords ?? matrixWords ?? assemblyWords ?? graphWords
      ?? Words("invalid", "The pipeline file is not valid")
  }

  static func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }

  /// The nearest name in backticks, else all names when they are few.
  static func nearest(_ name: String, _ names: [String], others: String) -> String? {
    if let near = nearestName(to: name, among: names) { return "`\(near)`" }
    return names.isEmpty || names.count > 16 ? nil : "\(others) are \(list(names))"
  }

  /// The nearest name that has an effect, else the nearest that would have one, else all that have one.
  static func nearest(
    _ name: String, _ names: [String], _ idle: [FieldDecoder.IdleName], others: String
  ) -> String? {
    if nearestName(to: name, among: names) == nil,
      let near = nearestName(to: name, among: idle.map(\.name)), let found = idle.first(where: { $0.name == near })
    {
      return "`\(near)`, \(FieldCondition.words(found.conditions))"
    }
    // What other tools call it often has the name in it: `lora_alpha`, `num_train_epochs`.
    if nearestName(to: name, among: names) == nil, let within = nameWithin(name, among: names) { return "`\(within)`" }
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
    case .unknownSetting(let key, let names):
      Words(
        "unknown-key", "Unknown key `\(key)`", why: "a configuration has \(Self.list(names))",
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
    case .unknownKey(let key, let node, let type, let names, let idle, let inside):
      Words(
        "unknown-field", "Unknown field `\(key)`",
        why: "node `\(node)` is of type `\(type)`, which has no such field or input",
        try: inside.first.map { "`\($0): {\(key): …}`" }
          ?? Self.nearest(key, names, idle, others: "Its fields and inputs")
          ?? "`anneal nodes \(type)` tells all that it has")
    case .unknownGroupField(let key, let names, let idle):
      Words("unknown-field", "Unknown field `\(key)`", try: Self.nearest(key, names, idle, others: "Fields here"))
    case .noEffect(let name, let conditions, let failing, let found, let isGiven):
      Self.noEffectWords(name, conditions, failing, found, isGiven: isGiven)
    case .missingField(let name, let doc): Words("missing-field", "Field `\(name)` is missing", why: doc.loweredFirst)
    case .idleFreshness(let type):
      Words(
        "no-effect", "`fresh_for` has no effect on nodes of type `\(type)`",
        why: "all that they read is in their keys by content, so their results never go stale", try: "Remove it")
    case .missingPort(let name, let types, let advice):
      Words(
        "missing-input", "Input `\(name)` is missing",
        why: "it takes the name of a node that gives \(Self.either(types))", try: advice)
    default: nil
    }
  }

  static func either(_ types: [String]) -> String { types.map { "`\($0)`" }.joined(separator: " or ") }

  private var paramWords: Words? {
    switch self {
    case .paramKind(let name, let found):
      Words("bad-param", "Param `\(name)` is \(found)", why: "a param is a value or a list of values")
    case .unknownParam(let name, let names):
      Words(
        "unknown-param", "Unknown param `\(name)`",
        try: names.isEmpty
          ? "Give it a value: `params: {\(name): …}`" : Self.nearest(name, names, others: "Params"))
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
    case .overrideOfMatrix(let name):
      Words(
        "unknown-override", "`\(name)` takes its values from `matrix`", why: "a value of its own would have no effect",
        try: "`--set matrix.grid.\(name)=[…]`")
    case .overrideNotMap(let path): Words("unknown-override", "`\(path)` has no fields of its own")
    default: nil
    }
  }
}

extension String {
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
  var loweredFirst: String { prefix(1).lowercased() + dropFirst() }
}
