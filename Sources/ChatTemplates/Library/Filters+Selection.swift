extension Filters {
  /// Filters that take other filters and tests by name.
  static let selection: [String: Filter] = [
    "map": { value, arguments, interpreter in
      guard value.isTrue else { return .iterator(ValueIterator([])) }
      if arguments.positional.isEmpty {
        let bound = try arguments.bound(["attribute", "default"], required: 1, in: "map")
        let path = try AttributePath(bound[0], fallback: bound[1])
        return .iterator(ValueIterator(try value.iterated().map(path.value)))
      }
      guard case .string(let name) = arguments.positional[0] else { throw Fault("`map` needs the name of a filter") }
      let filter = name.string
      let rest = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
      return .iterator(
        ValueIterator(try value.iterated().map { try apply(filter, to: $0, rest, interpreter) }))
    },
    "select": { value, arguments, interpreter in
      try selected(value, arguments, interpreter, byAttribute: false, keeping: true)
    },
    "reject": { value, arguments, interpreter in
      try selected(value, arguments, interpreter, byAttribute: false, keeping: false)
    },
    "selectattr": { value, arguments, interpreter in
      try selected(value, arguments, interpreter, byAttribute: true, keeping: true)
    },
    "rejectattr": { value, arguments, interpreter in
      try selected(value, arguments, interpreter, byAttribute: true, keeping: false)
    },
  ]

  private static func selected(
    _ value: Value, _ arguments: Arguments, _ interpreter: Interpreter, byAttribute: Bool, keeping: Bool
  ) throws -> Value {
    guard value.isTrue else { return .iterator(ValueIterator([])) }
    var positional = arguments.positional[...]
    var path: AttributePath?
    if byAttribute {
      guard let attribute = positional.popFirst() else { throw Fault("The name of the attribute is missing") }
      path = try AttributePath(attribute)
    }
    let test = try positional.popFirst()?.text().string
    let rest = Arguments(positional: Array(positional), named: arguments.named)
    let kept = try value.iterated().filter { element in
      try interpreter.step()
      let subject = try path?.value(of: element) ?? element
      let holds = try test.map { try ValueTests.holds($0, subject, rest) } ?? subject.isTrue
      return holds == keeping
    }
    return .iterator(ValueIterator(kept))
  }
}
