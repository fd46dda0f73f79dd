/// Attributes, subscripts and slices, as Jinja's sandbox looks them up.
enum Members {
  /// `value.name`: a method or attribute, else a subscript, else undefined.
  static func attribute(_ name: String, of value: Value) throws -> Value {
    if case .undefined(let undefined) = value { throw Fault(undefined.words) }
    if name.hasPrefix("__") { return unsafe(name) }
    if let method = try method(name, of: value) { return method }
    if case .dictionary(let dictionary) = value, let member = dictionary.value(named: Text(name)) { return member }
    return missing(name, of: value)
  }

  /// `value[index]`: an element or member, else (for a string) an attribute, else undefined.
  static func item(_ index: Value, of value: Value) throws -> Value {
    if case .string(let name) = index { try Budget.charge(name.breadth) }
    switch value {
    case .undefined(let undefined): throw Fault(undefined.words)
    case .dictionary(let dictionary):
      if let key = try? HashKey(index), case .text = key, let member = try dictionary.value(for: index) {
        return member
      }
      if let member = try? dictionary.value(for: index) { return member }
    case .string(let text):
      if let place = place(index, count: text.count) {
        try Budget.charge(text.spans.count)
        return .string(text[place..<place + 1])
      }
    case .list(let values), .tuple(let values):
      if let place = place(index, count: values.count) { return values[place] }
    case .range(let range):
      if let place = place(index, count: range.count) { return .int(range.start + place * range.step) }
    default: break
    }
    guard case .string(let name) = index else {
      return .undefined(Undefined(words: "A `\(value.typeName)` has no such element"))
    }
    let text = name.string
    if text.hasPrefix("__") { return unsafe(text) }
    return try method(text, of: value) ?? missing(text, of: value)
  }

  private static func place(_ index: Value, count: Int) -> Int? {
    guard let index = index.index else { return nil }
    let place = index < 0 ? index + count : index
    return (0..<count).contains(place) ? place : nil
  }

  /// What the sandbox makes of Python's own attributes: undefined, so that only a use of it fails.
  private static func unsafe(_ name: String) -> Value {
    .undefined(Undefined(words: "Access to the attribute `\(name)` is not safe in a template"))
  }

  private static func missing(_ name: String, of value: Value) -> Value {
    .undefined(Undefined(words: "A `\(value.typeName)` has no attribute `\(name)`"))
  }

  private static func method(_ name: String, of value: Value) throws -> Value? {
    switch value {
    case .string(let text): return StringMethods.method(name, of: text)
    case .dictionary(let dictionary): return try dictionaryMethod(name, of: dictionary)
    case .list(let values):
      if ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"].contains(name) {
        return .undefined(Undefined(words: "Lists cannot be changed in a template; `\(name)` is refused"))
      }
      return sequenceMethod(name, of: values)
    case .tuple(let values): return sequenceMethod(name, of: values)
    case .range(let range):
      switch name {
      case "start": return .int(range.start)
      case "stop": return .int(range.stop)
      case "step": return .int(range.step)
      default:
        guard Self.sequenceMethods.contains(name) else { return nil }
        try Budget.charge(range.count * Limits.slowWork)
        return sequenceMethod(name, of: range.values)
      }
    case .namespace(let namespace): return namespace.attributes.value(named: Text(name))
    case .loop(let loop): return loop.attribute(name)
    case .function(let function): return function.isMacro && name == "name" ? .text(function.name) : nil
    case .int, .bool: return name == "real" || name == "numerator" ? .int(value.index ?? 0) : nil
    case .float(let number):
      guard name == "is_integer" else { return nil }
      return .function(Function(name) { _, _ in .bool(number.isFinite && number == number.rounded()) })
    default: return nil
    }
  }

  private static let sequenceMethods = ["count", "index", "copy"]

  private static func sequenceMethod(_ name: String, of values: [Value]) -> Value? {
    switch name {
    case "count":
      return .function(
        Function(name, holds: values) { _, arguments in
          let element = try arguments.single(in: name)
          try Budget.charge(values.count * Limits.slowWork)
          return .int(try values.count { try Value.equal($0, element) })
        })
    case "index":
      return .function(
        Function(name, holds: values) { _, arguments in
          let element = try arguments.single(in: name)
          try Budget.charge(values.count * Limits.slowWork)
          guard let index = try values.firstIndex(where: { try Value.equal($0, element) }) else {
            throw Fault("The element is not in the list")
          }
          return .int(index)
        })
    case "copy": return .function(Function(name, holds: values) { _, _ in .list(values) })
    default: return nil
    }
  }

  private static func dictionaryMethod(_ name: String, of dictionary: ValueDictionary) throws -> Value? {
    switch name {
    case "items", "keys", "values":
      let kind: DictionaryView.Kind = name == "items" ? .items : name == "keys" ? .keys : .values
      return .function(
        Function(name, holds: [.dictionary(dictionary)]) { _, arguments in
          try arguments.none(in: name)
          return .view(DictionaryView(kind: kind, dictionary: dictionary))
        })
    case "get":
      return .function(
        Function(name, holds: [.dictionary(dictionary)]) { _, arguments in
          guard arguments.named.isEmpty, (1...2).contains(arguments.positional.count) else {
            throw Fault("`get` takes one or two arguments")
          }
          return try dictionary.value(for: arguments.positional[0])
            ?? (arguments.positional.count == 2 ? arguments.positional[1] : .none)
        })
    case "copy": return .function(Function(name, holds: [.dictionary(dictionary)]) { _, _ in .dictionary(dictionary) })
    case "clear", "pop", "popitem", "setdefault", "update":
      return .undefined(Undefined(words: "Dictionaries cannot be changed in a template; `\(name)` is refused"))
    default: return nil
    }
  }

  /// `value[start:stop:step]` with Python's clamping.
  static func slice(of value: Value, _ start: Value?, _ stop: Value?, _ step: Value?) throws -> Value {
    if case .undefined(let undefined) = value { throw Fault(undefined.words) }
    try Budget.charge(max(value.length ?? 1, value.breadth))
    func bound(_ value: Value?) throws -> Int? {
      guard let value, !value.isNone else { return nil }
      guard let index = value.index else { throw Fault("The bounds of a slice must be whole numbers") }
      return index
    }
    func chosen(_ count: Int) throws -> (indices: StrideTo<Int>, range: Range<Int>?) {
      let step = try bound(step) ?? 1
      guard step != 0 else { throw Fault("The step of a slice cannot be zero") }
      func clamped(_ index: Int?, _ fallback: Int) -> Int {
        guard let index else { return fallback }
        let place = index < 0 ? max(index, -count - 1) + count : index
        return step > 0 ? min(max(place, 0), count) : min(max(place, -1), count - 1)
      }
      let from = clamped(try bound(start), step > 0 ? 0 : count - 1)
      let to = clamped(try bound(stop), step > 0 ? count : -1)
      // A step beyond the count takes one element either way.
      let size = min(step.magnitude, UInt(count + 1))
      let indices = stride(from: from, to: to, by: step > 0 ? Int(size) : -Int(size))
      return (indices, step == 1 ? from..<max(from, to) : nil)
    }
    switch value {
    case .string(let text):
      let (indices, range) = try chosen(text.count)
      if let range { return .string(text[range]) }
      return .string(text.changed(to: indices.map { text.scalars[$0] }))
    case .list(let values): return .list(try chosen(values.count).indices.map { values[$0] })
    case .tuple(let values): return .tuple(try chosen(values.count).indices.map { values[$0] })
    case .range(let range):
      let values = range.values
      return .list(try chosen(values.count).indices.map { values[$0] })
    default: return .undefined(Undefined(words: "A `\(value.typeName)` has no slices"))
    }
  }
}
