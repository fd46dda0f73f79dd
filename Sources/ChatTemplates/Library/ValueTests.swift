import Diagnostics

/// Jinja's tests: what stands after `is`.
enum ValueTests {
  /// Whether `value is name(arguments)`.
  static func holds(_ name: String, _ value: Value, _ arguments: Arguments) throws -> Bool {
    guard let test = tests[name] else { throw unknown(name) }
    try Budget.charge(value.breadth * (slow.contains(name) ? Limits.slowWork : 1))
    return try test(value, arguments)
  }

  static func exists(_ name: String) -> Bool { tests[name] != nil }

  static func unknown(_ name: String) -> Fault {
    let near = nearestName(to: name, among: tests.keys.sorted()).map { "; did you mean `\($0)`" } ?? ""
    return Fault("There is no test `\(name)`\(near)")
  }

  private static let slow: Set = ["lower", "upper"]

  private typealias Test = @Sendable (Value, Arguments) throws -> Bool

  private static let tests: [String: Test] = {
    var tests: [String: Test] = [
      "odd": { value, arguments in try remainder(value, .int(2), arguments, in: "odd") == 1 },
      "even": { value, arguments in try remainder(value, .int(2), arguments, in: "even") == 0 },
      "divisibleby": { value, arguments in
        let divisor = try arguments.single(in: "divisibleby")
        return try remainder(value, divisor, Arguments(), in: "divisibleby") == 0
      },
      "sameas": { value, arguments in try same(value, arguments.single(in: "sameas")) },
      "in": { value, arguments in try Value.contains(arguments.single(in: "in"), value) },
      "filter": { value, arguments in Filters.exists(try value.text().string) },
      "test": { value, arguments in ValueTests.tests[try value.text().string] != nil },
    ]
    for (name, test) in plain {
      tests[name] = { value, arguments in
        try arguments.none(in: name)
        return try test(value)
      }
    }
    for (names, operation) in comparisons {
      for name in names {
        tests[name] = { value, arguments in
          let other = try arguments.single(in: name)
          switch operation {
          case "==": return try Value.equal(value, other)
          case "!=": return try !Value.equal(value, other)
          default: return try Value.ordered(value, operation, other)
          }
        }
      }
    }
    return tests
  }()

  private static let comparisons: [(names: [String], operation: String)] = [
    (["==", "eq", "equalto"], "=="), (["!=", "ne"], "!="), ([">", "gt", "greaterthan"], ">"), ([">=", "ge"], ">="),
    (["<", "lt", "lessthan"], "<"), (["<=", "le"], "<="),
  ]

  private static let plain: [(String, @Sendable (Value) throws -> Bool)] = [
    ("defined", { !$0.isUndefined }),
    ("undefined", { $0.isUndefined }),
    ("none", { $0.isNone }),
    ("boolean", { if case .bool = $0 { true } else { false } }),
    ("true", { if case .bool(true) = $0 { true } else { false } }),
    ("false", { if case .bool(false) = $0 { true } else { false } }),
    (
      "integer",
      {
        switch $0 {
        case .int, .wideInt: true
        default: false
        }
      }
    ),
    ("float", { if case .float = $0 { true } else { false } }),
    ("number", { $0.number != nil }),
    ("string", { if case .string = $0 { true } else { false } }),
    ("mapping", { if case .dictionary = $0 { true } else { false } }),
    (
      "iterable",
      {
        switch $0 {
        case .iterator, .loop: true
        default: $0.length != nil
        }
      }
    ),
    (
      "sequence",
      {
        switch $0 {
        case .undefined, .string, .list, .tuple, .dictionary, .range: true
        default: false
        }
      }
    ),
    (
      "callable",
      {
        switch $0 {
        case .function, .undefined, .loop: true
        default: false
        }
      }
    ),
    ("lower", { isLower(try $0.text()) }),
    ("upper", { isUpper(try $0.text()) }),
    ("escaped", { if case .string(let text) = $0 { text.isMarkup } else { false } }),
  ]

  private static func isLower(_ text: Text) -> Bool {
    StringMethods.predicates.first { $0.0 == "islower" }?.1(text) ?? false
  }
  private static func isUpper(_ text: Text) -> Bool {
    StringMethods.predicates.first { $0.0 == "isupper" }?.1(text) ?? false
  }

  private static func remainder(
    _ value: Value, _ divisor: Value, _ arguments: Arguments, in name: String
  ) throws -> Double? {
    try arguments.none(in: name)
    if case .string = value { throw Fault("`\(name)` needs a number") }
    return try Interpreter.arithmetic("%", value, divisor).number
  }

  /// Python's `is`, for the values where it does not depend on the memory of the interpreter.
  private static func same(_ a: Value, _ b: Value) throws -> Bool {
    switch (a, b) {
    case (.bool(let a), .bool(let b)): a == b
    case (.bool, _), (_, .bool): false
    case (.float, .int), (.int, .float): false
    default: try Value.equal(a, b)
    }
  }
}
