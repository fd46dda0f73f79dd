extension Value {
  /// Python's `==`.
  ///
  /// - Throws: ``Fault`` when the budget is spent.
  static func equal(_ a: Value, _ b: Value) throws -> Bool {
    switch (a, b) {
    case (.none, .none), (.undefined, .undefined): return true
    case (.string(let a), .string(let b)):
      try Budget.charge(min(a.count, b.count))
      return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      try Budget.charge(a.count * Limits.slowWork)
      return try a.count == b.count && zip(a, b).allSatisfy(equal)
    case (.dictionary(let a), .dictionary(let b)):
      try Budget.charge(a.count * Limits.slowWork)
      return try a.count == b.count
        && a.entries.allSatisfy { entry in
          try b.value(for: entry.key).map { try equal(entry.value, $0) } ?? false
        }
    case (.range(let a), .range(let b)):
      return a.count == b.count && (a.count == 0 || (a.start == b.start && (a.count == 1 || a.step == b.step)))
    case (.wideInt(let a), .wideInt(let b)): return a == b
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.iterator(let a), .iterator(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    default:
      if let x = a.index, let y = b.index { return x == y }
      if let x = a.number, let y = b.number { return x == y }
      return false
    }
  }

  /// Python's `<`.
  ///
  /// - Throws: ``Fault`` for values that have no order.
  static func less(_ a: Value, _ b: Value, operation: String = "<") throws -> Bool {
    switch (a, b) {
    case (.string(let a), .string(let b)):
      try Budget.charge(min(a.count, b.count))
      return a < b
    case (.list(let x), .list(let y)), (.tuple(let x), .tuple(let y)):
      for (x, y) in zip(x, y) {
        try Budget.charge(Limits.slowWork)
        if try !equal(x, y) { return try less(x, y, operation: operation) }
      }
      return x.count < y.count
    case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw Fault(undefined.words)
    default:
      if let x = a.index, let y = b.index { return x < y }
      if let x = a.number, let y = b.number { return x < y }
      throw Fault("`\(operation)` is not supported between `\(a.typeName)` and `\(b.typeName)`")
    }
  }

  /// Python's `element in container`.
  ///
  /// - Throws: ``Fault`` when the container has no elements to compare with.
  static func contains(_ container: Value, _ element: Value) throws -> Bool {
    switch container {
    case .string(let text):
      guard case .string(let needle) = element else {
        throw Fault("`in` with a string on the right needs a string on the left, not `\(element.typeName)`")
      }
      try Budget.charge(text.count + needle.count)
      return text.firstIndex(of: needle) != nil
    case .dictionary(let dictionary): return try dictionary.value(for: element) != nil
    case .iterator(let iterator):
      while let next = iterator.next() {
        try Budget.charge(Limits.slowWork)
        if try equal(next, element) { return true }
      }
      return false
    default:
      try Budget.charge((container.length ?? 1) * Limits.slowWork)
      guard let elements = try container.elements() else {
        throw Fault("Argument of type `\(container.typeName)` is not iterable")
      }
      return try elements.contains { try equal($0, element) }
    }
  }
}
