import Diagnostics
import Pipeline

/// What cannot be done with a file of any program's, with the evidence.
enum RecipeProblem: Sendable {
  case unknownKey(String, of: KeyTable)
  case unknownChoice(String, among: [String])
  /// A key whose value nothing here can honour.
  case refused(String, String, reason: String, advice: String?)
  case missing(String, reason: String, advice: String)
  /// Two keys that make no sense together.
  case together(String, String, reason: String)
  /// A model or an adapter that is neither a path nor fetched.
  case notHere(String, kind: String, looked: [String])
  /// A dataset of a hub.
  case remoteRows(String)
  case emptyFolder(String)
  case missingColumn(String, String, among: [String])
  /// Something that is done otherwise than the file's own program does it, and that shows in results.
  case otherwise(String, reason: String, advice: String?)
}

/// What is wrong with a file, with words in one place.
protocol WordedProblem: Sendable {
  var words: ProblemWords { get }
}

/// A problem in words.
struct ProblemWords {
  var code: String
  var summary: String
  var reason: String?
  var advice: String?
  var severity = Diagnostic.Severity.error

  init(_ code: String, _ summary: String, why reason: String? = nil, try advice: String? = nil) {
    self.code = code
    self.summary = summary
    self.reason = reason
    self.advice = advice
  }

  func asWarning() -> ProblemWords {
    var words = self
    words.severity = .warning
    return words
  }

  static func list(_ names: [String]) -> String { "[\(names.map { "`\($0)`" }.joined(separator: ", "))]" }

  /// The nearest name, or all of them where they are few.
  static func nearest(_ name: String, _ names: [String], others: String) -> String? {
    if let near = nearestName(to: name, among: names) { return "`\(near)`" }
    return names.isEmpty || names.count > 16 ? nil : "\(others) are \(list(names))"
  }
}

extension WordedProblem {
  func diagnostic(
    at value: LocatedValue, path: String? = nil, related: [Diagnostic.Related] = []
  ) -> Diagnostic {
    let words = words
    return value.diagnostic(
      words.severity, code: words.code, words.summary, path: path, reason: words.reason, advice: words.advice,
      related: related)
  }
}

extension RecipeProblem: WordedProblem {
  var words: ProblemWords {
    switch self {
    case .unknownKey(let name, let table):
      ProblemWords(
        "unknown-key", "\(table.program) has no key `\(name)`",
        try: (table.formerNames[name] ?? nearestName(to: name, among: table.names)).map { "`\($0)`" })
    case .unknownChoice(let text, let names):
      ProblemWords(
        "unknown-choice", "`\(text)` is none of \(ProblemWords.list(names))",
        try: nearestName(to: text, among: names).map { "`\($0)`" })
    case .refused(let name, let value, let reason, let advice):
      ProblemWords("not-here", "`\(name): \(value)` cannot be honoured", why: reason, try: advice)
    case .missing(let name, let reason, let advice):
      ProblemWords("missing-key", "`\(name)` is missing", why: reason, try: advice)
    case .together(let one, let other, let reason):
      ProblemWords(
        "not-together", "`\(one)` and `\(other)` do not go together", why: reason, try: "take one of them out")
    case .notHere(let name, let kind, let looked):
      ProblemWords(
        "no-\(kind)", "There is no \(kind) at `\(name)`",
        why: "neither in this folder nor in \(ProblemWords.list(looked))",
        try:
          "`hf download \(name) --local-dir models/\(name.split(separator: "/").last ?? "NAME")`, and name that folder")
    case .remoteRows(let name):
      ProblemWords(
        "remote-dataset", "There is no file or folder `\(name)`",
        why: "a dataset of a hub is meant, and nothing is fetched here",
        try:
          "`hf download --repo-type dataset \(name) --local-dir data/\(name.split(separator: "/").last ?? "NAME")`, and "
          + "name its file of rows")
    case .emptyFolder(let folder):
      ProblemWords(
        "empty-folder", "There is no file of rows in `\(folder)`",
        why: "rows lie in `.json`, `.jsonl` and `.txt` files")
    case .missingColumn(let column, let file, let found):
      ProblemWords(
        "missing-column", "Rows of `\(file)` have no column `\(column)`",
        why: "the first row has \(ProblemWords.list(found))",
        try: nearestName(to: column, among: found).map { "`\($0)`" })
    case .otherwise(let summary, let reason, let advice):
      ProblemWords("otherwise", summary, why: reason, try: advice).asWarning()
    }
  }
}
