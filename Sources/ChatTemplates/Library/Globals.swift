/// The functions that every template can call.
enum Globals {
  static func value(named name: String) -> Value? { functions[name].map { .function($0) } }

  private static let functions: [String: Function] = {
    let all = [
      Function("range") { _, arguments in
        guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
          throw Fault("`range` takes one to three whole numbers")
        }
        let bounds = try arguments.positional.map { try Optional($0).whole(0, in: "range") }
        return .range(
          try ValueRange(
            start: bounds.count > 1 ? bounds[0] : 0, stop: bounds.count > 1 ? bounds[1] : bounds[0],
            step: bounds.count > 2 ? bounds[2] : 1))
      },
      Function("dict") { interpreter, arguments in
        try interpreter.weighed(.dictionary(try members(arguments, in: "dict")))
      },
      Function("namespace") { interpreter, arguments in
        .namespace(try interpreter.namespace(try members(arguments, in: "namespace")))
      },
      Function("raise_exception") { _, arguments in
        let message = try arguments.bound(["message"], required: 1, in: "raise_exception")[0]
        throw Fault(.raised, try message?.text().string ?? "")
      },
      Function("strftime_now") { interpreter, arguments in
        let format = try arguments.bound(["format"], required: 1, in: "strftime_now")[0]
        guard case .string(let format) = format else { throw Fault("`strftime_now` needs a string") }
        try Budget.charge(format.count * Limits.slowWork)
        return .string(Text(try interpreter.clock().formatted(format.string)))
      },
      Function("joiner") { interpreter, arguments in
        let separator = try arguments.bound(["sep"], in: "joiner")[0] ?? .text(", ")
        var state = ValueDictionary()
        state.set(name: "separator", separator)
        let joiner = try interpreter.namespace(state)
        return .function(
          Function("joiner") { _, _ in
            if joiner.attributes.count > 1 { return joiner.attributes.value(named: "separator") ?? .none }
            joiner.attributes.set(name: "used", .bool(true))
            return .string(Text())
          })
      },
      Function("cycler") { interpreter, arguments in
        guard !arguments.positional.isEmpty else { throw Fault("`cycler` needs at least one element") }
        let cycler = try interpreter.namespace(ValueDictionary())
        let items = arguments.positional
        try Value.list(items).weighed()
        let setPosition: @Sendable (Int) -> Void = { place in
          cycler.attributes.set(name: "position", .int(place))
          cycler.attributes.set(name: "current", items[place])
        }
        setPosition(0)
        cycler.attributes.set(
          name: "next",
          .function(
            Function("next") { _, _ in
              let place = cycler.attributes.value(named: "position")?.index ?? 0
              setPosition((place + 1) % items.count)
              return items[place % items.count]
            }))
        cycler.attributes.set(
          name: "reset",
          .function(
            Function("reset") { _, _ in
              setPosition(0)
              return .none
            }))
        return .namespace(cycler)
      },
    ]
    return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  }()

  /// What Python's `dict(…)` makes of its arguments.
  private static func members(_ arguments: Arguments, in name: String) throws -> ValueDictionary {
    guard arguments.positional.count <= 1 else { throw Fault("`\(name)` takes at most one argument without a name") }
    var result = ValueDictionary()
    if let first = arguments.positional.first {
      if case .dictionary(let members) = first {
        result = members
      } else {
        for pair in try first.iterated() {
          let pair = try pair.iterated()
          guard pair.count == 2 else { throw Fault("`\(name)` needs pairs of a key and a value") }
          try result.set(pair[0], pair[1])
        }
      }
    }
    for (key, value) in arguments.named { result.set(name: key, value) }
    return result
  }
}
