/// The values given to a function, a filter or a test.
struct Arguments: Sendable {
  var positional: [Value] = []
  var named: [(name: String, value: Value)] = []

  /// The arguments in the order of the parameters `names`, nil where one is not given.
  ///
  /// - Throws: ``Fault`` for too many, unknown, doubled or missing ones.
  func bound(_ names: [String], required: Int = 0, in function: String) throws -> [Value?] {
    guard positional.count <= names.count else {
      throw Fault("`\(function)` takes at most \(names.count) arguments, \(positional.count) are given")
    }
    var values: [Value?] = positional + Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in named {
      guard let index = names.firstIndex(of: name) else {
        throw Fault("`\(function)` has no argument `\(name)`; it has [\(names.joined(separator: ", "))]")
      }
      if values[index] != nil { throw Fault("`\(function)` is given the argument `\(name)` twice") }
      values[index] = value
    }
    for index in 0..<required where values[index] == nil {
      throw Fault("`\(function)` needs the argument `\(names[index])`")
    }
    return values
  }

  /// The only argument of a function with one.
  func single(in function: String) throws -> Value {
    guard positional.count == 1, named.isEmpty else { throw Fault("`\(function)` takes one argument") }
    return positional[0]
  }

  /// - Throws: ``Fault`` when anything is given.
  func none(in function: String) throws {
    guard positional.isEmpty, named.isEmpty else { throw Fault("`\(function)` takes no arguments") }
  }
}

extension Value? {
  /// The value as a whole number; `fallback` when it is not given.
  func whole(_ fallback: Int, in function: String) throws -> Int {
    guard let self else { return fallback }
    guard let index = self.index else { throw Fault("`\(function)` needs a whole number, not `\(self.typeName)`") }
    return index
  }

  /// The value as a string; nil when it is not given or none.
  func optionalText(in function: String) throws -> Text? {
    guard let self, !self.isNone else { return nil }
    guard case .string(let text) = self else { throw Fault("`\(function)` needs a string, not `\(self.typeName)`") }
    return text
  }

  func truth(_ fallback: Bool) -> Bool { self?.isTrue ?? fallback }
}
