import Diagnostics
import Pipeline

/// The arguments of a file of another program's: what it gives, and that program's defaults for everything else.
///
/// It remembers which keys were asked for, so that those that decide nothing are told and not dropped. Maps of keys of their own
/// are read as keys with dots: `optimizer: {lr: 1}` is `optimizer.lr`.
final class Arguments {
  let file: YAMLText
  let table: KeyTable
  /// What stands before keys in messages: `datasets[0].` where they are those of a map in a list.
  let prefix: String
  private let pairs: [LocatedValue.Pair]
  private let given: [String: LocatedValue]
  private let keyMarks: [String: Mark]
  private(set) var problems: [Diagnostic] = []
  private var asked: Set<String> = []
  private var broken: Set<String> = []
  private(set) var notes: [String: String] = [:]

  /// Reads every key of the file; what is wrong with keys and values is in ``problems``.
  init(_ file: YAMLText, _ table: KeyTable, prefix: String = "") {
    self.file = file
    self.prefix = prefix
    self.table = table
    pairs = Self.flattened(file.tree.pairs, "", table)
    var given: [String: LocatedValue] = [:]
    var keyMarks: [String: Mark] = [:]
    for pair in pairs {
      keyMarks[pair.key.text] = pair.key.mark
      // Null is what a key is that is not given.
      if !pair.value.isNull { given[pair.key.text] = pair.value }
    }
    self.given = given
    self.keyMarks = keyMarks
    for pair in pairs { check(pair) }
  }

  /// The pairs, those of maps that the table knows with the map's name before theirs.
  private static func flattened(_ pairs: [LocatedValue.Pair], _ prefix: String, _ table: KeyTable) -> [LocatedValue
    .Pair]
  {
    pairs.flatMap { pair -> [LocatedValue.Pair] in
      var pair = pair
      pair.key.text = prefix + pair.key.text
      guard case .map(let inner) = pair.value.content, table.groups.contains(pair.key.text) else { return [pair] }
      return flattened(inner, pair.key.text + ".", table)
    }
  }

  /// Keys of the file in its order, with their values; null ones are left out.
  var written: [(key: ArgumentKey, value: LocatedValue)] {
    pairs.compactMap { pair in
      guard let key = table.byName[pair.key.text], let value = given[key.name] else { return nil }
      return (key, value)
    }
  }

  // MARK: Checking

  private func check(_ pair: LocatedValue.Pair) {
    let name = pair.key.text
    guard let key = table.byName[name] else {
      // Nothing behind the name of a map is an empty map.
      if table.groups.contains(name), pair.value.isNull { return }
      report(.unknownKey(name, of: table), at: LocatedValue(.map([]), at: pair.key.mark), prefix + name)
      return
    }
    guard let value = given[name] else { return }
    do {
      try key.check(value, path: prefix + name)
    } catch {
      broken.insert(name)
      problems += diagnostics(of: error)
      return
    }
    if case .refused(let allowed, let advice) = key.fate, !isAllowed(value, allowed + [key.standard].compactMap { $0 })
    {
      report(.refused(name, value.writtenText, reason: key.words, advice: advice), at: value, prefix + name)
    }
  }

  private func isAllowed(_ value: LocatedValue, _ allowed: [String]) -> Bool {
    guard case .scalar(let scalar) = value.content else { return false }
    let text = scalar.text
    if let bool = YAMLBool.read(scalar) { return allowed.contains(bool ? "true" : "false") }
    return allowed.contains { $0 == text || Double($0) != nil && Double($0) == Double(text) }
  }

  func report(_ problem: RecipeProblem, at value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value, path: path))
  }

  /// Reports a problem where a key stands, or about the file where it is not given.
  func report(_ problem: RecipeProblem, at key: String) {
    report(problem, at: located(key), prefix + key)
  }

  // MARK: Reading

  /// Says something about a key beside what it became.
  func note(_ key: String, _ words: String) { notes[key] = words }

  /// Whether the key's value is given and can be read.
  func isGiven(_ key: String) -> Bool {
    asked.insert(key)
    return given[key] != nil
  }

  /// Whether somebody asked for the key.
  func isUsed(_ key: String) -> Bool { asked.contains(key) }

  /// What is wrong with the key's value is reported already.
  func isBroken(_ key: String) -> Bool { broken.contains(key) }

  /// The value where it stands, or the default at no place of the file.
  func located(_ key: String) -> LocatedValue {
    asked.insert(key)
    var value = given[key] ?? LocatedValue(scalar: table.byName[key]?.standard ?? "", at: file.source.wholeMark)
    if broken.contains(key) { value.isBroken = true }
    return value
  }

  /// The text, nil for null.
  func text(_ key: String) -> String? {
    guard !isBroken(key), case .scalar(let scalar) = located(key).content else { return nil }
    return given[key] == nil ? table.byName[key]?.standard : scalar.text
  }

  func bool(_ key: String) -> Bool {
    guard !isBroken(key), case .scalar(let scalar) = located(key).content else { return false }
    return YAMLBool.read(scalar) ?? false
  }

  func number(_ key: String) -> Double? { isBroken(key) ? nil : try? located(key).number(path: key) }

  func integer(_ key: String) -> Int? { isBroken(key) ? nil : try? located(key).integer(path: key) }

  /// The names, with the places of their text.
  func names(_ key: String) -> [LocatedValue] {
    guard !isBroken(key), given[key] != nil || table.byName[key]?.standard != nil else {
      asked.insert(key)
      return []
    }
    return located(key).names
  }
}

/// YAML 1.1's truth values, which programs in Python read.
enum YAMLBool {
  static func read(_ scalar: LocatedValue.Scalar) -> Bool? {
    guard scalar.isPlain else { return nil }
    switch scalar.text.lowercased() {
    case "true", "yes", "on": return true
    case "false", "no", "off": return false
    default: return nil
    }
  }
}

extension ArgumentKey {
  /// - Throws: `Diagnostic` when the value is of another kind.
  fileprivate func check(_ value: LocatedValue, path name: String) throws {
    switch kind {
    case .bool:
      if case .scalar(let scalar) = value.content, YAMLBool.read(scalar) != nil { return }
      _ = try value.bool(path: name)
    case .integer: _ = try value.integer(path: name)
    case .number: _ = try value.number(path: name)
    case .text: _ = try value.text(path: name)
    case .names:
      guard case .list(let items) = value.content else {
        _ = try value.text(path: name)
        return
      }
      for (index, item) in items.enumerated() { _ = try item.text(path: "\(name)[\(index)]") }
    case .choice(let names):
      let text = try value.text(path: name)
      guard names.contains(text) else {
        throw RecipeProblem.unknownChoice(text, among: names).diagnostic(at: value, path: name)
      }
    case .any: break
    }
  }
}

extension LocatedValue {
  /// A scalar as it would be written without quotes.
  init(scalar text: String, at mark: Mark) {
    self.init(.scalar(Scalar(text: text, isPlain: true)), at: mark)
  }

  /// Texts between commas, or those of a list, without blanks around them; empty ones are left out.
  var names: [LocatedValue] {
    switch content {
    case .scalar(let scalar):
      scalar.text.split(separator: ",").compactMap { part in
        let text = part.trimmed
        guard !text.isEmpty else { return nil }
        var value = self
        value.content = .scalar(Scalar(text: text, isPlain: true))
        return value
      }
    case .list(let items): items.filter { $0.scalarText != nil }
    case .map: []
    }
  }

  var scalarText: String? {
    if case .scalar(let scalar) = content { scalar.text } else { nil }
  }

  /// The value in one line, for messages.
  var writtenText: String {
    switch content {
    case .scalar(let scalar): scalar.text
    case .list(let items): "[\(items.map(\.writtenText).joined(separator: ", "))]"
    case .map: "{…}"
    }
  }

  /// The same place with another text.
  func with(text: String) -> LocatedValue {
    var value = self
    value.content = .scalar(Scalar(text: text, isPlain: true))
    return value
  }

  /// The same place with a list.
  func with(list: [LocatedValue]) -> LocatedValue {
    var value = LocatedValue(.list(list), at: mark)
    value.origin = origin
    return value
  }
}

extension Substring {
  /// Without blanks around it.
  var trimmed: String {
    var text = self
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
