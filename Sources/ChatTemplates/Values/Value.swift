/// A value of the template language: what a Python object would be.
///
/// Lists and dictionaries are values: the sandbox that transformers renders in lets no template change them.
enum Value: Sendable {
  case undefined(Undefined)
  case none
  case bool(Bool)
  case int(Int)
  /// A whole number beyond 64 bits as its digits: it can be written out, but not calculated with.
  case wideInt(String)
  case float(Double)
  case string(Text)
  case list([Value])
  case tuple([Value])
  case dictionary(ValueDictionary)
  case range(ValueRange)
  case view(DictionaryView)
  case iterator(ValueIterator)
  case namespace(Namespace)
  case loop(LoopState)
  case function(Function)
}

/// The value of what does not exist: prints nothing, has no elements, and any other use of it is an error.
struct Undefined: Sendable {
  /// What did not exist, in the words of an error.
  var words: String
}

/// What Python's `range(start, stop, step)` is.
struct ValueRange: Sendable, Hashable {
  var start: Int
  var stop: Int
  var step: Int
  let count: Int

  /// - Throws: ``Fault`` for a zero step, and for more than ``Limits/range`` elements as in Jinja's sandbox.
  init(start: Int, stop: Int, step: Int) throws {
    guard step != 0 else { throw Fault("`range` needs a step other than zero") }
    let distance = step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    let stride = step.magnitude
    let elements: UInt
    if distance.overflow {
      elements = .max
    } else {
      elements = distance.partialValue <= 0 ? 0 : (UInt(distance.partialValue) - 1) / stride + 1
    }
    guard elements <= UInt(Limits.range) else {
      throw Fault(.limit, "`range` is too long; at most \(Limits.range) elements are allowed")
    }
    (self.start, self.stop, self.step, count) = (start, stop, step, Int(elements))
  }

  var values: [Value] { (0..<count).map { .int(start + $0 * step) } }
}

/// `dict.items()`, `dict.keys()` or `dict.values()`.
struct DictionaryView: Sendable {
  enum Kind: String, Sendable {
    case items = "dict_items"
    case keys = "dict_keys"
    case values = "dict_values"
  }
  var kind: Kind
  var dictionary: ValueDictionary

  var values: [Value] {
    switch kind {
    case .items: dictionary.entries.map { .tuple([$0.key, $0.value]) }
    case .keys: dictionary.entries.map(\.key)
    case .values: dictionary.entries.map(\.value)
    }
  }
}

/// A Python generator: its elements can be taken once.
final class ValueIterator: @unchecked Sendable {
  // One rendering runs on one thread and no iterator leaves it.
  private(set) var rest: ArraySlice<Value>

  init(_ values: [Value]) { rest = values[...] }

  func next() -> Value? { rest.popFirst() }

  /// All elements that are left; none are afterwards.
  func drain() -> [Value] {
    defer { rest = [] }
    return Array(rest)
  }
}

/// `namespace(…)`: the one value whose attributes a template can set.
final class Namespace: @unchecked Sendable {
  // One rendering runs on one thread and no namespace leaves it.
  var attributes: ValueDictionary

  init(_ attributes: ValueDictionary) { self.attributes = attributes }
}

/// Something a template can call: a global function, a method bound to its object, or a macro.
final class Function: Sendable {
  let name: String
  let isMacro: Bool
  /// What the function keeps alive besides texts: the object of a method.
  let holds: [Value]
  let body: @Sendable (Interpreter, Arguments) throws -> Value

  init(
    _ name: String, isMacro: Bool = false, holds: [Value] = [],
    body: @escaping @Sendable (Interpreter, Arguments) throws -> Value
  ) {
    self.name = name
    self.isMacro = isMacro
    self.holds = holds
    self.body = body
  }
}

extension Value {
  static func text(_ string: String) -> Value { .string(Text(string)) }

  /// Python's name of the type.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int, .wideInt: "int"
    case .float: "float"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    case .range: "range"
    case .view(let view): view.kind.rawValue
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .function(let function): function.isMacro ? "Macro" : "function"
    }
  }

  /// Python's truth of the value.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .float(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let values), .tuple(let values): !values.isEmpty
    case .dictionary(let dictionary): dictionary.count > 0
    case .range(let range): range.count > 0
    case .view(let view): view.dictionary.count > 0
    case .loop(let loop): !loop.items.isEmpty
    case .wideInt, .iterator, .namespace, .function: true
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }

  /// The value as a whole number where Python takes one (`True` is 1).
  var index: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The value as a number where Python calculates with one.
  var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .bool(let value): value ? 1 : 0
    case .float(let value): value
    case .wideInt(let digits): Double(digits)
    default: nil
    }
  }

  /// The number of elements where Python's `len` has one.
  var length: Int? {
    switch self {
    case .undefined: 0
    case .string(let text): text.count
    case .list(let values), .tuple(let values): values.count
    case .dictionary(let dictionary): dictionary.count
    case .range(let range): range.count
    case .view(let view): view.dictionary.count
    case .loop(let loop): loop.items.count
    default: nil
    }
  }

  /// The elements in the order of iteration; nil when Python could not iterate.
  ///
  /// An iterator is used up.
  ///
  /// - Throws: ``Fault`` when the budget is spent.
  func elements() throws -> [Value]? {
    switch self {
    case .undefined: return []
    case .string(let text):
      return try text.marked(false).slices(text.scalars.indices.map { $0..<$0 + 1 }).map { .string($0) }
    case .list(let values), .tuple(let values): return values
    case .dictionary(let dictionary): return dictionary.entries.map(\.key)
    case .range(let range): return range.values
    case .view(let view): return view.values
    case .iterator(let iterator): return iterator.drain()
    default: return nil
    }
  }

  /// ``elements()``, or an error that says that there are none.
  func iterated() throws -> [Value] {
    try Budget.charge((length ?? 1) * Limits.slowWork)
    guard let elements = try elements() else { throw Fault("`\(typeName)` object is not iterable") }
    return elements
  }
}
