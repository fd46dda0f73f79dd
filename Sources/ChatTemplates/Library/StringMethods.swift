/// The methods of Python's `str` that templates use.
enum StringMethods {
  /// The method `name` bound to `text`, nil when there is none.
  static func method(_ name: String, of text: Text) -> Value? {
    guard let body = methods[name] else { return nil }
    return .function(
      Function(name) { interpreter, arguments in
        try interpreter.budget.charge(text.breadth * (slow.contains(name) ? Limits.slowWork : 1))
        if text.isMarkup, escaping.contains(name) {
          throw Fault(.unsupported, "`\(name)` of a text marked by `safe` or `escape` is not supported")
        }
        return try body(text, arguments)
      })
  }

  private static let slow = Set(["upper", "lower", "capitalize", "title", "swapcase"] + predicates.map(\.0))
  /// Methods of HTML texts that escape what they are given.
  private static let escaping = ["replace", "join", "format", "swapcase"]

  private typealias Method = @Sendable (Text, Arguments) throws -> Value

  private static let methods: [String: Method] = {
    var methods: [String: Method] = [
      "upper": { text, arguments in
        try arguments.none(in: "upper")
        return .string(text.uppercased)
      },
      "lower": { text, arguments in
        try arguments.none(in: "lower")
        return .string(text.lowercased)
      },
      "title": { text, arguments in
        try arguments.none(in: "title")
        return .string(text.titled)
      },
      "swapcase": { text, arguments in
        try arguments.none(in: "swapcase")
        return .string(text.swapped)
      },
      "capitalize": { text, arguments in
        try arguments.none(in: "capitalize")
        return .string(text.capitalized)
      },
      "split": { text, arguments in try split(text, arguments, in: "split") { try $0.split($1, limit: $2) } },
      "rsplit": { text, arguments in try split(text, arguments, in: "rsplit") { try $0.splitFromRight($1, limit: $2) }
      },
      "splitlines": { text, arguments in
        let bound = try arguments.bound(["keepends"], in: "splitlines")
        return .list(try text.lines(keepingEnds: bound[0].truth(false)).map { .string($0) })
      },
      "partition": { text, arguments in
        let separator = try separator(arguments, in: "partition")
        guard let place = text.firstIndex(of: separator) else {
          return .tuple([.string(text), .string(Text()), .string(Text())])
        }
        let end = place + separator.count
        return .tuple([.string(text[0..<place]), .string(separator), .string(text[end..<text.count])])
      },
      "rpartition": { text, arguments in
        let separator = try separator(arguments, in: "rpartition")
        guard let place = text.lastIndex(of: separator) else {
          return .tuple([.string(Text()), .string(Text()), .string(text)])
        }
        let end = place + separator.count
        return .tuple([.string(text[0..<place]), .string(separator), .string(text[end..<text.count])])
      },
      "replace": { text, arguments in
        guard arguments.named.isEmpty, (2...3).contains(arguments.positional.count),
          case .string(let old) = arguments.positional[0], case .string(let new) = arguments.positional[1]
        else { throw Fault("`replace` takes two strings and perhaps a count") }
        let count: Value? = arguments.positional.count > 2 ? arguments.positional[2] : nil
        return .string(try replaced(text, old, with: new, limit: count.whole(-1, in: "replace")))
      },
      "join": { text, arguments in
        var result = Text()
        for (index, value) in try arguments.single(in: "join").iterated().enumerated() {
          guard case .string(let part) = value else {
            throw Fault("`join` needs strings, element \(index) is a `\(value.typeName)`")
          }
          try Budget.charge(text.breadth + part.breadth)
          if index > 0 { result.append(text) }
          result.append(part.marked(false))
          try Interpreter.check(result)
        }
        return .string(result)
      },
      "format": { text, arguments in .string(try BraceFormat.apply(text, arguments)) },
      "removeprefix": { text, arguments in
        guard case .string(let prefix) = try arguments.single(in: "removeprefix") else {
          throw Fault("`removeprefix` needs a string")
        }
        return .string(text.hasPrefix(prefix) ? text[prefix.count..<text.count] : text)
      },
      "removesuffix": { text, arguments in
        guard case .string(let suffix) = try arguments.single(in: "removesuffix") else {
          throw Fault("`removesuffix` needs a string")
        }
        return .string(text.hasSuffix(suffix) && !suffix.isEmpty ? text[0..<text.count - suffix.count] : text)
      },
      "zfill": { text, arguments in
        let width = try Optional(arguments.single(in: "zfill")).whole(0, in: "zfill")
        try Interpreter.check(width)
        try Budget.charge(max(0, width))
        let zeros = Text(scalars: Array(repeating: "0", count: max(0, width - text.count)))
        let isSigned = text.scalars.first == "-" || text.scalars.first == "+"
        let result = isSigned ? text[0..<1] + zeros + text[1..<text.count] : zeros + text
        return .string(result.marked(text.isMarkup))
      },
      "startswith": { text, arguments in try affix(text, arguments, in: "startswith") { $0.hasPrefix($1) } },
      "endswith": { text, arguments in try affix(text, arguments, in: "endswith") { $0.hasSuffix($1) } },
    ]
    for (name, left, right) in [("strip", true, true), ("lstrip", true, false), ("rstrip", false, true)] {
      methods[name] = { text, arguments in
        let characters = try arguments.bound(["chars"], in: name)[0].optionalText(in: name)
        return .string(text.stripped(characters, left: left, right: right))
      }
    }
    for name in ["find", "rfind", "index", "rindex", "count"] {
      methods[name] = { text, arguments in .int(try search(name, text, arguments)) }
    }
    for (name, test) in predicates {
      methods[name] = { text, arguments in
        try arguments.none(in: name)
        return .bool(test(text))
      }
    }
    for (name, left, right) in [("ljust", 0, 1), ("rjust", 1, 0), ("center", 1, 1)] {
      methods[name] = { text, arguments in
        let bound = try arguments.bound(["width", "fillchar"], required: 1, in: name)
        let fill = try bound[1].optionalText(in: name) ?? " "
        guard fill.count == 1 else { throw Fault("`\(name)` needs one character to fill with") }
        return .string(try padded(text, bound[0].whole(0, in: name), fill.scalars[0], left: left, right: right))
      }
    }
    return methods
  }()

  /// `text` widened to `width` with `fill` on the sides that are not zero.
  static func padded(
    _ text: Text, _ width: Int, _ fill: Unicode.Scalar, left: Int, right: Int
  ) throws -> Text {
    try Interpreter.check(width)
    try Budget.charge(max(0, width))
    let missing = max(0, width - text.count)
    // CPython's rule for the odd place of a centred string.
    let before = left == 0 ? 0 : right == 0 ? missing : missing / 2 + (missing & width & 1)
    return
      (Text(scalars: Array(repeating: fill, count: before)) + text
      + Text(scalars: Array(repeating: fill, count: missing - before))).marked(text.isMarkup)
  }

  /// Python's `replace`, once it is known how large its result is.
  static func replaced(_ text: Text, _ old: Text, with new: Text, limit: Int) throws -> Text {
    let places = text.places(of: old, limit: limit)
    let (size, overflow) = new.breadth.multipliedReportingOverflow(by: places.count)
    try Budget.charge(overflow ? .max : size)
    try Interpreter.check(text.count - old.count * places.count + new.count * places.count)
    try Interpreter.check(places.count * Limits.noteSize)
    return try text.replacing(places, with: new)
  }

  static let predicates: [(String, @Sendable (Text) -> Bool)] = [
    ("isdigit", { !$0.isEmpty && $0.scalars.allSatisfy(\.isDigit) }),
    ("isdecimal", { !$0.isEmpty && $0.scalars.allSatisfy(\.isDecimal) }),
    ("isnumeric", { !$0.isEmpty && $0.scalars.allSatisfy { $0.properties.numericType != nil } }),
    ("isalpha", { !$0.isEmpty && $0.scalars.allSatisfy(\.isLetter) }),
    ("isalnum", { !$0.isEmpty && $0.scalars.allSatisfy { $0.isLetter || $0.properties.numericType != nil } }),
    ("isspace", { !$0.isEmpty && $0.scalars.allSatisfy(\.isPythonSpace) }),
    ("isascii", { $0.scalars.allSatisfy(\.isASCII) }),
    ("isprintable", { $0.scalars.allSatisfy(\.isPrintable) }),
    (
      "isupper",
      { text in
        text.scalars.contains(where: \.properties.isUppercase)
          && !text.scalars.contains { $0.properties.isLowercase || $0.properties.generalCategory == .titlecaseLetter }
      }
    ),
    (
      "islower",
      { text in
        text.scalars.contains(where: \.properties.isLowercase)
          && !text.scalars.contains { $0.properties.isUppercase || $0.properties.generalCategory == .titlecaseLetter }
      }
    ),
  ]

  private static func split(
    _ text: Text, _ arguments: Arguments, in name: String, _ body: (Text, Text?, Int) throws -> [Text]
  ) throws -> Value {
    let bound = try arguments.bound(["sep", "maxsplit"], in: name)
    let separator = try bound[0].optionalText(in: name)
    if separator?.isEmpty == true { throw Fault("`\(name)` cannot split at an empty string") }
    return .list(try body(text, separator, try bound[1].whole(-1, in: name)).map { .string($0) })
  }

  private static func separator(_ arguments: Arguments, in name: String) throws -> Text {
    guard case .string(let separator) = try arguments.single(in: name), !separator.isEmpty else {
      throw Fault("`\(name)` needs a string that is not empty")
    }
    return separator
  }

  /// The part of `text` that the optional arguments `start` and `end` choose, clamped as Python does.
  private static func window(_ text: Text, _ arguments: Arguments, in name: String) throws -> Range<Int>? {
    func bound(_ position: Int, _ fallback: Int) throws -> Int {
      guard arguments.positional.count > position, !arguments.positional[position].isNone else { return fallback }
      let index = try Optional(arguments.positional[position]).whole(0, in: name)
      return index < 0 ? max(0, max(index, -text.count) + text.count) : index
    }
    let start = try bound(1, 0)
    let end = min(text.count, try bound(2, text.count))
    return start <= end ? start..<end : nil
  }

  private static func affix(
    _ text: Text, _ arguments: Arguments, in name: String, _ holds: (Text, Text) -> Bool
  ) throws -> Value {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw Fault("`\(name)` takes one to three arguments")
    }
    let candidates: [Value]
    if case .tuple(let values) = arguments.positional[0] {
      candidates = values
    } else {
      candidates = [arguments.positional[0]]
    }
    let part = try window(text, arguments, in: name).map { text[$0] }
    for candidate in candidates {
      guard case .string(let candidate) = candidate else {
        throw Fault("`\(name)` needs a string, not `\(candidate.typeName)`")
      }
      try Budget.charge(candidate.breadth)
      if let part, holds(part, candidate) { return .bool(true) }
    }
    return .bool(false)
  }

  private static func search(_ name: String, _ text: Text, _ arguments: Arguments) throws -> Int {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count),
      case .string(let needle) = arguments.positional[0]
    else { throw Fault("`\(name)` needs a string, and perhaps a start and an end") }
    let window = try window(text, arguments, in: name)
    if name == "count" {
      return window.map { text.occurrences(of: needle, from: $0.lowerBound, limit: $0.upperBound) } ?? 0
    }
    let isRight = name.hasPrefix("r")
    let place = window.flatMap {
      isRight
        ? text.lastIndex(of: needle, from: $0.lowerBound, limit: $0.upperBound)
        : text.firstIndex(of: needle, from: $0.lowerBound, limit: $0.upperBound)
    }
    if let place { return place }
    guard name.hasSuffix("find") else { throw Fault("`\(name)` did not find the text") }
    return -1
  }
}
