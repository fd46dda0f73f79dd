extension Filters {
  /// Filters on lists, dictionaries and whatever else has elements.
  static let collection: [String: Filter] = [
    "length": length, "count": length,
    "list": { value, arguments, _ in
      try arguments.none(in: "list")
      return .list(try value.iterated())
    },
    "first": { value, arguments, _ in
      try arguments.none(in: "first")
      if case .iterator(let iterator) = value { return iterator.next() ?? empty }
      return try value.iterated().first ?? empty
    },
    "last": { value, arguments, _ in
      try arguments.none(in: "last")
      if case .iterator = value { throw Fault("`last` needs a sequence, not a generator") }
      if case .string(let text) = value, !text.isEmpty { return .string(text[text.count - 1..<text.count]) }
      return try value.iterated().last ?? empty
    },
    "join": { value, arguments, _ in
      let bound = try arguments.bound(["d", "attribute"], in: "join")
      let separator = try bound[0]?.text() ?? Text()
      var values = try value.iterated()
      if let path = bound[1], !path.isNone { values = try values.map(AttributePath(path).value) }
      var result = Text()
      for (index, value) in values.enumerated() {
        if index > 0 { result.append(separator) }
        let part = try value.text()
        try Budget.charge(separator.breadth + part.breadth)
        result.append(part)
        try Interpreter.check(result)
      }
      return .string(result)
    },
    "items": { value, arguments, _ in
      try arguments.none(in: "items")
      if value.isUndefined { return .iterator(ValueIterator([])) }
      guard case .dictionary(let dictionary) = value else { throw Fault("`items` needs a mapping") }
      try Budget.charge(dictionary.count * Limits.slowWork)
      return .iterator(ValueIterator(DictionaryView(kind: .items, dictionary: dictionary).values))
    },
    "dictsort": { value, arguments, _ in
      let bound = try arguments.bound(["case_sensitive", "by", "reverse"], in: "dictsort")
      guard case .dictionary(let dictionary) = value else { throw Fault("`dictsort` needs a mapping") }
      try Budget.charge(dictionary.count * Limits.slowWork)
      let by = try bound[1].optionalText(in: "dictsort")?.string ?? "key"
      guard by == "key" || by == "value" else { throw Fault("`dictsort` sorts by `key` or `value`") }
      let isSensitive = bound[0].truth(false)
      let keyed = try dictionary.entries.map { entry in
        let key = by == "key" ? entry.key : entry.value
        return (key: try isSensitive ? key : key.caseFolded(), value: Value.tuple([entry.key, entry.value]))
      }
      return .list(try sorted(keyed, isReversed: bound[2].truth(false)))
    },
    "sort": { value, arguments, _ in
      let bound = try arguments.bound(["reverse", "case_sensitive", "attribute"], in: "sort")
      let isSensitive = bound[1].truth(false)
      let paths = try AttributePath.several(bound[2])
      let keyed = try value.iterated().map { element in
        let keys = try paths.map { path in
          let key = try path.value(of: element)
          return try isSensitive ? key : key.caseFolded()
        }
        return (key: keys.count == 1 ? keys[0] : .list(keys), value: element)
      }
      return .list(try sorted(keyed, isReversed: bound[0].truth(false)))
    },
    "unique": { value, arguments, _ in
      let bound = try arguments.bound(["case_sensitive", "attribute"], in: "unique")
      let path = try AttributePath(bound[1])
      var seen: Set<HashKey> = []
      let kept = try value.iterated().filter { element in
        let key = try path.value(of: element)
        return seen.insert(try HashKey(bound[0].truth(false) ? key : key.caseFolded())).inserted
      }
      return .iterator(ValueIterator(kept))
    },
    "reverse": { value, arguments, _ in
      try arguments.none(in: "reverse")
      if case .string(let text) = value { return .string(text.changed(to: text.scalars.reversed())) }
      return .iterator(ValueIterator(try value.iterated().reversed()))
    },
    "min": { value, arguments, _ in try extreme(value, arguments, in: "min") },
    "max": { value, arguments, _ in try extreme(value, arguments, in: "max") },
    "sum": { value, arguments, _ in
      let bound = try arguments.bound(["attribute", "start"], in: "sum")
      var total = bound[1] ?? .int(0)
      if case .string = total { throw Fault("`sum` does not join strings") }
      let path = try AttributePath(bound[0])
      for element in try value.iterated() {
        total = try Interpreter.arithmetic("+", total, try path.value(of: element))
      }
      return total
    },
    "batch": { value, arguments, _ in
      let bound = try arguments.bound(["linecount", "fill_with"], required: 1, in: "batch")
      let size = try bound[0].whole(1, in: "batch")
      guard size > 0 else { throw Fault("`batch` needs a positive size") }
      let values = try value.iterated()
      var batches = stride(from: 0, to: values.count, by: size).map { start in
        Array(values[start..<min(start.advanced(by: min(size, values.count)), values.count)])
      }
      if let fill = bound[1], !fill.isNone, var last = batches.popLast() {
        try Interpreter.check(size)
        last += Array(repeating: fill, count: max(0, size - last.count))
        batches.append(last)
      }
      return try wrapped(batches.map { .list($0) })
    },
    "slice": { value, arguments, _ in
      let bound = try arguments.bound(["slices", "fill_with"], required: 1, in: "slice")
      let slices = try bound[0].whole(1, in: "slice")
      guard slices > 0 else { throw Fault("`slice` needs a positive number") }
      try Interpreter.check(slices)
      try Budget.charge(slices * Limits.slowWork)
      let values = try value.iterated()
      let (size, longer) = values.count.quotientAndRemainder(dividingBy: slices)
      var start = 0
      return try wrapped(
        (0..<slices).map { index in
          let end = start + size + (index < longer ? 1 : 0)
          defer { start = end }
          let fill = bound[1].flatMap { $0.isNone || index < longer ? nil : [$0] } ?? []
          return .list(Array(values[start..<end]) + fill)
        })
    },
    "groupby": { value, arguments, _ in
      let bound = try arguments.bound(["attribute", "default", "case_sensitive"], required: 1, in: "groupby")
      let path = try AttributePath(bound[0], fallback: bound[1])
      let isSensitive = bound[2].truth(false)
      let keyed = try value.iterated().map { element in
        let key = try path.value(of: element)
        return (key: try isSensitive ? key : key.caseFolded(), value: element)
      }
      let groups = try joined(joinedByHash(keyed).stablySorted { try Value.less($0.key, $1.key) })
      let result = Value.list(try groups.map { .tuple([try path.value(of: $0.values[0]), .list($0.values)]) })
      try result.weighed()
      return result
    },
  ]

  private typealias Group = (key: Value, values: [Value])

  /// Elements of one key together, in their order, so that only the keys are left to be sorted; each element of a key that
  /// cannot be hashed stays alone.
  ///
  /// - Throws: ``Fault`` for keys that have no order.
  private static func joinedByHash(_ keyed: [(key: Value, value: Value)]) throws -> [Group] {
    var groups: [Group] = []
    var places: [HashKey: Int] = [:]
    for (key, value) in keyed {
      guard let hash = try? HashKey(key) else {
        groups.append((key, [value]))
        continue
      }
      if let place = places[hash] {
        _ = try Value.less(groups[place].key, key)
        groups[place].values.append(value)
      } else {
        places[hash] = groups.count
        groups.append((key, [value]))
      }
    }
    return groups
  }

  /// Sorted groups, those of equal keys as one.
  private static func joined(_ sorted: [Group]) throws -> [Group] {
    var groups: [Group] = []
    for group in sorted {
      // The last group is asked for its key alone: a copy of the group would have all of it copied each time.
      if let last = groups.indices.last, try Value.equal(groups[last].key, group.key) {
        groups[last].values += group.values
      } else {
        groups.append(group)
      }
    }
    return groups
  }

  /// Lists of elements as a generator: one level deeper than the elements.
  private static func wrapped(_ lists: [Value]) throws -> Value {
    try Value.list(lists).weighed()
    return .iterator(ValueIterator(lists))
  }

  private static let empty = Value.undefined(Undefined(words: "The sequence is empty"))

  private static let length: Filter = { value, arguments, _ in
    try arguments.none(in: "length")
    guard let length = value.length else { throw Fault("A `\(value.typeName)` has no length") }
    return .int(length)
  }

  private static func sorted(_ keyed: [(key: Value, value: Value)], isReversed: Bool) throws -> [Value] {
    try keyed.stablySorted { try isReversed ? Value.less($1.key, $0.key) : Value.less($0.key, $1.key) }.map(\.value)
  }

  private static func extreme(_ value: Value, _ arguments: Arguments, in name: String) throws -> Value {
    let bound = try arguments.bound(["case_sensitive", "attribute"], in: name)
    let path = try AttributePath(bound[1])
    var best: (key: Value, value: Value)?
    for element in try value.iterated() {
      let found = try path.value(of: element)
      let key = try bound[0].truth(false) ? found : found.caseFolded()
      if let current = best {
        let isBetter = try name == "min" ? Value.less(key, current.key) : Value.less(current.key, key)
        if isBetter { best = (key, element) }
      } else {
        best = (key, element)
      }
    }
    return best?.value ?? empty
  }
}

extension Value {
  /// The value by which filters compare when case does not matter.
  func caseFolded() throws -> Value {
    guard case .string(let text) = self else { return self }
    try Budget.charge(text.breadth * Limits.slowWork)
    return .string(text.lowercased)
  }
}

/// The argument `attribute` of a filter: names and indices with dots between them, or nothing at all.
struct AttributePath {
  private var parts: [Value] = []
  private var fallback: Value?

  init(_ path: Value?, fallback: Value? = nil) throws {
    self.fallback = fallback.flatMap { $0.isNone ? nil : $0 }
    switch path {
    case nil, .some(.none): break
    case .some(.string(let text)):
      parts = try text.split(".", limit: -1).map { part in
        !part.isEmpty && part.scalars.allSatisfy(\.isDigit) ? .int(Int(part.string) ?? 0) : .string(part)
      }
    case .some(let index): parts = [index]
    }
  }

  /// The paths of `attribute="a,b"`.
  static func several(_ path: Value?) throws -> [AttributePath] {
    guard case .some(.string(let text)) = path else { return [try AttributePath(path)] }
    return try text.split(",", limit: -1).map { try AttributePath(.string($0)) }
  }

  func value(of element: Value) throws -> Value {
    // A look at an element itself is what filters do anyway; each level below it costs more.
    try Budget.charge((4 * parts.count - 3) * Limits.slowWork)
    var value = element
    for part in parts {
      value = try Members.item(part, of: value)
      if value.isUndefined, let fallback { value = fallback }
    }
    return value
  }
}
