import Diagnostics

/// What is wrong with a value where another kind of value is wanted.
extension LanguageProblem {
  var scalarWords: Words? {
    switch self {
    case .notABool(let text):
      Words("not-a-bool", "`\(text)` is not a truth value", try: "Write `true` or `false`")
    case .notANumber(let text, let wanted):
      Words("not-a-number", "`\(text)` is not \(wanted)", try: Self.share(text).map { "`\($0)`" })
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
    case .webPath(let text):
      Words(
        "bad-path", "`\(text)` is no path of a file or folder", why: "nothing is downloaded by nodes",
        try: "Download it before, and name the folder or file that it is in")
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
    case .wantsFreeMap(let found, let example):
      Words("wrong-kind", "\(found.capitalizedFirst) stands here", why: "a map is wanted", try: "`\(example)`")
    case .badCache(let problem): Words("bad-cache", problem.summary, why: problem.reason, try: problem.advice)
    case .badHeader(let name):
      Words(
        "bad-header", "`\(name)` is no header that may be set",
        why: "names have letters, digits and `-`, and what says where a message ends is not the user's")
    case .notAKey(let text):
      Words(
        "not-a-key", "`\(text)` is no public key", why: "`NAME:` and 44 letters are wanted",
        try: "Copy the line that `anneal cache keygen NAME` prints")
    case .notAVariable(let name):
      Words(
        "secret-in-file", "`\(name)` is not the name of an environment variable",
        why: "secrets do not stand in files", try: "Put it into a variable, and write `$NAME`")
    default: nil
    }
  }

  /// What stands before a per cent sign, as a share of 1.
  private static func share(_ text: String) -> String? {
    guard text.hasSuffix("%"), let percent = Double(text.dropLast()) else { return nil }
    return CanonicalValue.text(of: percent / 100)
  }
}
