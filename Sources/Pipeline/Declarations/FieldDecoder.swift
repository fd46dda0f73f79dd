import Diagnostics

/// The state of reading one node's fields: the problems so far, the path to the value at hand, the paths of files.
package struct FieldDecoder {
  /// A path of a file that a field gives, and where it stands.
  struct LocatedPath {
    var text: String
    var value: LocatedValue
    var path: String
  }

  /// What is known about the names of one map; the maps around it know their own.
  struct Scope {
    /// Names that unknown keys were probably meant to be: they do not count as missing.
    var suggested: Set<String> = []
    /// Fields that are given and could not be read: nothing follows from their values.
    var unreadable: Set<String> = []
  }

  /// The name of a field or input that has no effect with the values of others, and when it would have one.
  struct IdleName {
    var name: String
    var conditions: [FieldCondition]
  }

  var path: [String]
  /// How many parts of the path lead to the map whose fields are read.
  let root: Int
  var scope = Scope()
  /// The fields that are given, members of groups as `optimizer.betas`, of maps in a list as `rewards[0].weight`.
  var written: Set<String> = []
  var diagnostics: [Diagnostic] = []
  var paths: [LocatedPath] = []
  /// The folders that copies of results are put into.
  var places: [LocatedPath] = []

  init(path: [String]) {
    self.path = path
    root = path.count
  }

  var errorCount: Int { diagnostics.count }

  /// The path in words: `nodes.sft.formats[1]`.
  var pathText: String { Self.text(path) }

  /// A name beside the value at hand, as it is in ``written``.
  func writtenName(_ name: String? = nil) -> String { Self.text(path.dropFirst(root) + (name.map { [$0] } ?? [])) }

  private static func text(_ path: some Sequence<String>) -> String {
    path.reduce(into: "") { text, part in
      if !text.isEmpty, !part.hasPrefix("[") { text += "." }
      text += part
    }
  }

  /// Whether a value was met whose fault is reported elsewhere.
  var metBrokenValue = false

  mutating func report(_ problem: LanguageProblem, _ value: LocatedValue) {
    guard !value.isBroken else {
      metBrokenValue = true
      return
    }
    diagnostics.append(problem.diagnostic(at: value.mark, path: pathText, related: value.origin))
  }

  mutating func reportUnknown(_ key: LocatedValue.Key, _ problem: LanguageProblem, among names: [String]) {
    if let name = nearestName(to: key.text, among: names) { scope.suggested.insert(name) }
    path.append(key.text)
    diagnostics.append(problem.diagnostic(at: key.mark, path: pathText))
    path.removeLast()
  }

  /// The scalar in a value, or a report that something else stands there.
  mutating func scalar(_ value: LocatedValue, wanted: String) -> LocatedValue.Scalar? {
    if value.isBroken {
      metBrokenValue = true
      return nil
    }
    if value.isNull {
      report(.noValue(name: path.last ?? "", wanted: wanted), value)
      return nil
    }
    guard case .scalar(let scalar) = value.content else {
      report(.wantsScalar(wanted: wanted, found: value.kindWords), value)
      return nil
    }
    return scalar
  }

  /// The text of a path, or a report that there is none.
  mutating func pathText(in value: LocatedValue) -> String? {
    guard let scalar = scalar(value, wanted: "a path") else { return nil }
    guard !scalar.text.isEmpty else {
      report(.emptyPath, value)
      return nil
    }
    guard !scalar.text.utf8.contains(0) else {
      report(.pathWithZero, value)
      return nil
    }
    guard scalar.text != "~", !scalar.text.hasPrefix("~/") else {
      report(.homePath(scalar.text), value)
      return nil
    }
    guard !scalar.text.contains("://") else {
      report(.webPath(scalar.text), value)
      return nil
    }
    return scalar.text
  }
}
