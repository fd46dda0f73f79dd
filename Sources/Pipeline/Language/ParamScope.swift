import Diagnostics

/// The params of a pipeline, and their substitution for `${name}`.
///
/// A scalar that is nothing but `${name}` becomes the param's value, list or scalar, and is read as if it were written
/// there. Inside a longer text the param's text is put in. `$${` stands for the text `${`.
struct ParamScope {
  /// Most bytes of one substituted text, and most values of one substituted tree.
  private static let sizeLimit = 1 << 20

  private(set) var values: [LocatedValue.Pair] = []
  private let names: [String]
  /// Those that something used, other params among it.
  private(set) var used: Set<String> = []
  /// The params that the value of a param uses, in whatever way.
  private var usesOfParams: [String: Set<String>] = [:]
  private var broken: Set<String> = []
  private var problems: [Diagnostic] = []

  /// Whether these are the params of a group of nodes, beside which those of the file hold.
  private let isOfGroup: Bool

  /// - Parameter given: Of a group's params those whose values come from outside, where its names mean nothing; nil for
  ///   the params of a file.
  init(_ params: [LocatedValue.Pair], given: Set<String>? = nil) {
    isOfGroup = given != nil
    names = params.map(\.key.text)
    for param in params {
      let name = param.key.text
      let before = problems.count
      usesOfParams[name] = uses(of: param.value)
      if Self.isValue(param.value) {
        let isGiven = given?.contains(name) ?? false
        let value =
          isGiven ? param.value : substitute(param.value, path: "params.\(name)", definition: name)
        values.append(LocatedValue.Pair(key: param.key, value: value))
        // Lists in lists would nest as deeply as the file has params.
        if !Self.isValue(value) {
          problems.append(
            LanguageProblem.paramKind(name, found: "a list of lists").diagnostic(
              at: param.value.mark, path: "params.\(name)"))
        }
        if value.holdsBroken { broken.insert(name) }
      } else {
        problems.append(
          LanguageProblem.paramKind(name, found: param.value.kindWords).diagnostic(
            at: param.value.mark, path: "params.\(name)"))
      }
      if problems.count > before { broken.insert(name) }
    }
  }

  private static func isValue(_ value: LocatedValue) -> Bool {
    switch value.content {
    case .scalar: true
    case .list(let items): items.allSatisfy { if case .scalar = $0.content { true } else { false } }
    case .map: false
    }
  }

  /// All problems, and a warning for each param that nothing used.
  mutating func finish(usedElsewhere: Set<String> = []) -> [Diagnostic] {
    for param in values where !used.contains(param.key.text) && !usedElsewhere.contains(param.key.text) {
      problems.append(
        LanguageProblem.unusedParam(param.key.text).diagnostic(
          at: param.key.mark, path: "params.\(param.key.text)"))
    }
    return problems
  }

  /// The params that a value uses, in whatever way.
  func uses(of value: LocatedValue) -> Set<String> {
    switch value.content {
    case .scalar(let scalar):
      return Self.references(scalar.text).reduce(into: []) { names, name in
        names.insert(name)
        names.formUnion(usesOfParams[name] ?? [])
      }
    case .list(let items): return items.reduce(into: []) { $0.formUnion(uses(of: $1)) }
    case .map(let pairs): return pairs.reduce(into: []) { $0.formUnion(uses(of: $1.value)) }
    }
  }

  /// The names in `${name}` of a text; `$${` is none.
  private static func references(_ text: String) -> [String] {
    var names: [String] = []
    var rest = text.unicodeScalars[...]
    while let dollar = rest.firstIndex(of: "$") {
      rest = rest[dollar...]
      if rest.starts(with: "$${".unicodeScalars) {
        rest = rest.dropFirst(3)
      } else if rest.starts(with: "${".unicodeScalars), let end = rest.firstIndex(of: "}") {
        names.append(String(String.UnicodeScalarView(rest[..<end].dropFirst(2))))
        rest = rest[end...].dropFirst()
      } else {
        rest = rest.dropFirst()
      }
    }
    return names
  }

  /// The value with params put in; `definition` is the param whose value this is, if it is one.
  mutating func substitute(_ value: LocatedValue, path: String, definition: String? = nil) -> LocatedValue {
    if value.isBroken { return value }
    switch value.content {
    case .scalar(let scalar):
      return scalar.text.utf8.contains(UInt8(ascii: "$"))
        ? substitute(scalar, in: value, path: path, definition: definition) : value
    case .list(let items):
      var new: [LocatedValue] = []
      for (index, item) in items.enumerated() {
        new.append(substitute(item, path: "\(path)[\(index)]", definition: definition))
      }
      return rebuilt(value, .list(new), path: path)
    case .map(let pairs):
      var new: [LocatedValue.Pair] = []
      for pair in pairs {
        let inner = substitute(pair.value, path: "\(path).\(pair.key.text)", definition: definition)
        new.append(LocatedValue.Pair(key: pair.key, value: inner))
      }
      return rebuilt(value, .map(new), path: path)
    }
  }

  private mutating func rebuilt(_ old: LocatedValue, _ content: LocatedValue.Content, path: String) -> LocatedValue {
    var new = LocatedValue(content, at: old.mark)
    new.origin = old.origin
    guard new.count <= max(Self.sizeLimit, old.count) else {
      problems.append(LanguageProblem.paramsTooLarge.diagnostic(at: old.mark, path: path))
      return old
    }
    return new
  }

  private mutating func substitute(
    _ scalar: LocatedValue.Scalar, in value: LocatedValue, path: String, definition: String?
  ) -> LocatedValue {
    var result = value
    var text = ""
    var origin = value.origin
    var rest = scalar.text.unicodeScalars[...]
    while let dollar = rest.firstIndex(of: "$") {
      text.unicodeScalars += rest[..<dollar]
      rest = rest[dollar...]
      if rest.starts(with: "$${".unicodeScalars) {
        text += isOfGroup ? "$${" : "${"
        rest = rest.dropFirst(3)
        continue
      }
      guard rest.starts(with: "${".unicodeScalars) else {
        text += "$"
        rest = rest.dropFirst()
        continue
      }
      guard let end = rest.firstIndex(of: "}") else {
        report(.badParamReference(String(rest)), value, path)
        return value.broken
      }
      let reference = String(rest[...end])
      let name = String(reference.dropFirst(2).dropLast())
      rest = rest[rest.index(after: end)...]
      if isOfGroup, isName(name), !names.contains(name) {
        text += reference
        continue
      }
      guard let param = resolve(name, reference, value, path, definition: definition) else {
        return value.broken
      }
      origin += [Diagnostic.Related("param `\(name)` is given here", at: param.mark.place)] + param.origin
      if text.isEmpty, rest.isEmpty, reference == scalar.text {
        result = param
        result.mark = value.mark
        result.origin = origin
        return result
      }
      guard case .scalar(let inner) = param.content, !param.isNull else {
        report(.paramInText(name, found: param.kindWords), value, path)
        return value.broken
      }
      text += inner.text
      guard text.utf8.count <= Self.sizeLimit else {
        report(.paramsTooLarge, value, path)
        return value.broken
      }
    }
    text.unicodeScalars += rest
    result.content = .scalar(LocatedValue.Scalar(text: text, isPlain: scalar.isPlain))
    result.origin = origin
    return result
  }

  private mutating func resolve(
    _ name: String, _ reference: String, _ value: LocatedValue, _ path: String, definition: String?
  ) -> LocatedValue? {
    used.insert(name)
    if broken.contains(name) { return nil }
    if let param = values.first(where: { $0.key.text == name }) { return param.value }
    if name == definition {
      report(.selfParam(name), value, path)
    } else if names.contains(name) {
      report(.laterParam(name), value, path)
    } else if isName(name) {
      // A param's own value may use only those above it.
      let usable = definition == nil ? names : values.map(\.key.text)
      report(.unknownParam(name, among: usable), value, path)
    } else {
      report(.badParamReference(reference), value, path)
    }
    return nil
  }

  private mutating func report(_ problem: LanguageProblem, _ value: LocatedValue, _ path: String) {
    problems.append(problem.diagnostic(at: value.mark, path: path))
  }
}

extension LocatedValue {
  /// Whether the value or one it holds has a fault that is already reported.
  fileprivate var holdsBroken: Bool {
    switch content {
    case .scalar: isBroken
    case .list(let items): isBroken || items.contains(where: \.holdsBroken)
    case .map(let pairs): isBroken || pairs.contains(where: \.value.holdsBroken)
    }
  }

  /// The value marked as one whose fault is already reported, so that nothing else is said about it.
  var broken: LocatedValue {
    var value = self
    value.isBroken = true
    return value
  }
}
