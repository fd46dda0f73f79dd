import Diagnostics

/// Jinja's filters: what stands after `|`.
enum Filters {
  typealias Filter = @Sendable (Value, Arguments, Interpreter) throws -> Value

  static func exists(_ name: String) -> Bool { all[name] != nil }

  /// Whether Jinja has the filter, though it may be refused here.
  static func isKnown(_ name: String) -> Bool { exists(name) || refused.contains(name) }

  static func unknown(_ name: String) -> Fault {
    let near = nearestName(to: name, among: all.keys.sorted()).map { "; did you mean `\($0)`" } ?? ""
    return Fault("There is no filter `\(name)`\(near)")
  }

  /// The value of `value | name(arguments)`.
  static func apply(
    _ name: String, to value: Value, _ arguments: Arguments, _ interpreter: Interpreter
  ) throws -> Value {
    guard let filter = all[name] else {
      if refused.contains(name) { throw Fault(.unsupported, "The filter `\(name)` is not supported in chat templates") }
      throw unknown(name)
    }
    try interpreter.budget.charge(value.breadth * (slow.contains(name) ? Limits.slowWork : 1))
    for argument in arguments.positional { try interpreter.budget.charge(argument.breadth) }
    for (_, argument) in arguments.named { try interpreter.budget.charge(argument.breadth) }
    return try interpreter.nested { try filter(value, arguments, interpreter) }
  }

  private static let slow: Set = [
    "upper", "lower", "capitalize", "title", "escape", "e", "forceescape", "wordcount", "int", "float",
  ]

  private static let refused = [
    "filesizeformat", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap", "xmlattr",
  ]

  private static let all: [String: Filter] = [text, collection, number, selection].reduce(into: [:]) { all, group in
    all.merge(group) { first, _ in first }
  }

  /// Filters on one value of any kind.
  private static let number: [String: Filter] = [
    "default": defaulted, "d": defaulted,
    "abs": { value, arguments, _ in
      try arguments.none(in: "abs")
      if case .float(let number) = value { return .float(number.magnitude) }
      guard let number = value.index, number != .min else { throw Fault("`abs` needs a number") }
      return .int(abs(number))
    },
    "int": { value, arguments, _ in
      let bound = try arguments.bound(["default", "base"], in: "int")
      return try NumberText.whole(value, base: try bound[1].whole(10, in: "int")) ?? bound[0] ?? .int(0)
    },
    "float": { value, arguments, _ in
      let bound = try arguments.bound(["default"], in: "float")
      return try NumberText.real(value).map { .float($0) } ?? bound[0] ?? .float(0)
    },
    "round": { value, arguments, _ in
      let bound = try arguments.bound(["precision", "method"], in: "round")
      let method = try bound[1].optionalText(in: "round")?.string ?? "common"
      return try NumberText.rounded(value, precision: try bound[0].whole(0, in: "round"), method: method)
    },
    "tojson": { value, arguments, _ in
      let bound = try arguments.bound(["ensure_ascii", "indent", "separators", "sort_keys"], in: "tojson")
      var json = JSONText()
      json.ensuresASCII = bound[0].truth(false)
      switch bound[1] {
      case nil, .some(.none): break
      case .some(.string(let text)): json.indent = text
      case let width:
        let width = try width.whole(0, in: "tojson")
        try Interpreter.check(width)
        json.indent = Text(scalars: Array(repeating: " ", count: max(0, width)))
      }
      if json.indent != nil { json.itemSeparator = "," }
      if let separators = bound[2], !separators.isNone {
        let parts = try separators.iterated()
        guard parts.count == 2, case .string(let item) = parts[0], case .string(let key) = parts[1] else {
          throw Fault("`tojson` needs two strings as separators")
        }
        (json.itemSeparator, json.keySeparator) = (item, key)
      }
      json.sortsKeys = bound[3].truth(false)
      try json.append(value)
      return .string(json.result)
    },
    "attr": { value, arguments, _ in
      guard case .string(let name) = try arguments.single(in: "attr") else { throw Fault("`attr` needs a string") }
      // Attributes only: the members of a dictionary are not reachable this way.
      if case .dictionary(let dictionary) = value, dictionary.value(named: name) != nil {
        let plain = try Members.attribute(name.string, of: .dictionary(ValueDictionary()))
        return plain
      }
      return try Members.attribute(name.string, of: value)
    },
  ]

  private static let defaulted: Filter = { value, arguments, _ in
    let bound = try arguments.bound(["default_value", "boolean"], in: "default")
    let isMissing = value.isUndefined || (bound[1].truth(false) && !value.isTrue)
    return isMissing ? bound[0] ?? .string(Text()) : value
  }
}
