import Pipeline

/// What became of the keys of one file, in words.
struct KeyFates {
  /// Keys that decided something.
  private(set) var used: [String] = []
  /// Keys that did not, each with the reason.
  private(set) var idle: [(key: String, value: String, words: String)] = []
  private var notes: [(key: String, words: String)] = []

  private let program: String

  /// - Parameter inner: Those of maps in lists of the file.
  init(_ arguments: Arguments, inner: [Arguments] = []) {
    program = arguments.table.program
    for one in [arguments] + inner { add(one) }
  }

  private mutating func add(_ arguments: Arguments) {
    let prefix = arguments.prefix
    for (key, value) in arguments.written {
      let note = arguments.notes[key.name]
      switch key.fate {
      case .becomes where arguments.isUsed(key.name): used.append(prefix + key.name)
      case .becomes:
        idle.append((prefix + key.name, Self.shown(key, value), note ?? "what the file asks for has no use for it"))
      case .idle: idle.append((prefix + key.name, Self.shown(key, value), note ?? key.words))
      case .refused: idle.append((prefix + key.name, Self.shown(key, value), note ?? "it says what holds in any case"))
      }
      if let note, arguments.isUsed(key.name) { notes.append((prefix + key.name, note)) }
    }
  }

  /// Secrets stand in no record.
  private static func shown(_ key: ArgumentKey, _ value: LocatedValue) -> String {
    let isMark = key.name.hasPrefix("special_tokens.")
    return !isMark && ["_token", "_key", "_secret", "_url"].contains { key.name.hasSuffix($0) }
      ? "…" : value.writtenText
  }

  func head(_ file: String) -> [String] {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    return ["What `\(name)`, a file of \(program)'s, becomes. Beside each field stands the key that it came from."]
  }

  var tail: [String] {
    var lines: [String] = []
    if !notes.isEmpty {
      lines += ["Notes:"] + notes.map { "  \($0.key): \($0.words)" }
    }
    if !idle.isEmpty {
      if !lines.isEmpty { lines.append("") }
      lines += ["Keys that decide nothing here:"] + idle.map { "  \($0.key): \($0.value) (\($0.words))" }
    }
    return lines
  }
}
