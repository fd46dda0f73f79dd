extension Interpreter {
  /// The value of an expression.
  ///
  /// `caller` is what a call block hands to the call it stands over.
  func evaluate(_ expression: Expression, caller: Value? = nil) throws -> Value {
    switch expression.form {
    case .constant(let value): return value
    case .name(let name): return lookUp(name)
    default: return try nested { try evaluateCompound(expression, caller: caller) }
    }
  }

  // The cases are functions of their own so that the stack frames of this recursion stay small.
  private func evaluateCompound(_ expression: Expression, caller: Value?) throws -> Value {
    switch expression.form {
    case .constant(let value): value
    case .name(let name): lookUp(name)
    case .list(let parts): try weighed(.list(try evaluateAll(parts)))
    case .tuple(let parts): try weighed(.tuple(try evaluateAll(parts)))
    case .dictionary(let members): try dictionary(members, expression.position)
    case .not(let operand): .bool(!(try evaluate(operand).isTrue))
    case .negative(let operand): try signed(operand, isNegative: true, expression.position)
    case .positive(let operand): try signed(operand, isNegative: false, expression.position)
    case .and(let left, let right): try either(left, right, whenTrue: false)
    case .or(let left, let right): try either(left, right, whenTrue: true)
    case .arithmetic(let sign, let left, let right): try arithmetic(sign, left, right, expression.position)
    case .concatenation(let parts): try concatenated(parts)
    case .comparison(let first, let rest): try compared(first, rest, expression.position)
    case .conditional(let test, let then, let otherwise): try conditional(test, then, otherwise)
    case .attribute(let operand, let name): try attribute(operand, name, expression.position)
    case .item(let operand, let index): try item(operand, index, expression.position)
    case .slice(let operand, let start, let stop, let step):
      try slice(operand, start, stop, step, expression.position)
    case .call(let callee, let arguments): try call(callee, arguments, caller, expression.position)
    case .filter(let operand, let name, let arguments):
      try filtered(operand, name, arguments, expression.position)
    case .test(let operand, let name, let arguments):
      .bool(try tested(operand, name, arguments, expression.position))
    }
  }

  /// A container that the template makes, once it is known that a stack can follow it.
  func weighed(_ container: Value) throws -> Value {
    try container.weighed()
    return container
  }

  private func evaluateAll(_ parts: [Expression]) throws -> [Value] { try parts.map { try evaluate($0) } }

  private func dictionary(_ members: [(key: Expression, value: Expression)], _ position: Int) throws -> Value {
    var result = ValueDictionary()
    for member in members {
      let key = try evaluate(member.key)
      let value = try evaluate(member.value)
      at(position)
      try result.set(key, value)
    }
    return try weighed(.dictionary(result))
  }

  private func either(_ left: Expression, _ right: Expression, whenTrue: Bool) throws -> Value {
    let value = try evaluate(left)
    return value.isTrue == whenTrue ? value : try evaluate(right)
  }

  private func concatenated(_ parts: [Expression]) throws -> Value {
    var result = Text()
    for part in parts {
      let value = try evaluate(part)
      at(part.position)
      let text = try value.text()
      try budget.charge(text.breadth)
      result.append(text)
      try Self.check(result)
    }
    return .string(result)
  }

  private func conditional(_ test: Expression, _ then: Expression, _ otherwise: Expression?) throws -> Value {
    if try evaluate(test).isTrue { return try evaluate(then) }
    if let otherwise { return try evaluate(otherwise) }
    return .undefined(Undefined(words: "The condition of an inline `if` without `else` was false"))
  }

  private func compared(
    _ first: Expression, _ rest: [(operation: String, operand: Expression)], _ position: Int
  ) throws -> Value {
    var left = try evaluate(first)
    for (operation, operand) in rest {
      let right = try evaluate(operand)
      at(position)
      let holds =
        switch operation {
        case "==": try Value.equal(left, right)
        case "!=": !(try Value.equal(left, right))
        case "in": try Value.contains(right, left)
        case "not in": !(try Value.contains(right, left))
        default: try Value.ordered(left, operation, right)
        }
      if !holds { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  private func attribute(_ operand: Expression, _ name: String, _ position: Int) throws -> Value {
    let value = try evaluate(operand)
    at(position)
    return try Members.attribute(name, of: value)
  }

  private func item(_ operand: Expression, _ index: Expression, _ position: Int) throws -> Value {
    let value = try evaluate(operand)
    let index = try evaluate(index)
    at(position)
    return try Members.item(index, of: value)
  }

  private func slice(
    _ operand: Expression, _ start: Expression?, _ stop: Expression?, _ step: Expression?, _ position: Int
  ) throws -> Value {
    let value = try evaluate(operand)
    let bounds = try [start, stop, step].map { part in try part.map { try evaluate($0) } }
    at(position)
    return try Members.slice(of: value, bounds[0], bounds[1], bounds[2])
  }

  // MARK: Calls

  private func call(
    _ callee: Expression, _ arguments: CallArguments, _ caller: Value?, _ position: Int
  ) throws -> Value {
    let value = try evaluate(callee)
    var given = try evaluated(arguments, position)
    if let caller { given.named.append(("caller", caller)) }
    at(position)
    switch value {
    case .function(let function):
      for value in given.positional { try budget.charge(value.breadth) }
      for (_, value) in given.named { try budget.charge(value.breadth) }
      return try function.body(self, given)
    case .undefined(let undefined): throw Fault(undefined.words)
    case .loop: throw Fault(.unsupported, "Recursive loops are not supported in chat templates")
    default: throw Fault("A `\(value.typeName)` cannot be called")
    }
  }

  private func evaluated(_ arguments: CallArguments, _ position: Int) throws -> Arguments {
    var result = Arguments()
    result.positional = try evaluateAll(arguments.positional)
    result.named = try arguments.named.map { ($0.name, try evaluate($0.value)) }
    if let list = arguments.unpackedList { result.positional += try evaluate(list).iterated() }
    if let dictionary = arguments.unpackedDictionary {
      guard case .dictionary(let members) = try evaluate(dictionary) else {
        at(position)
        throw Fault("What follows `**` must be a dictionary")
      }
      try budget.charge(members.count * Limits.slowWork * 4)
      var names = Set(result.named.map(\.name))
      for entry in members.entries {
        guard case .string(let name) = entry.key else { throw Fault("The names of arguments must be strings") }
        let text = name.string
        if !names.insert(text).inserted {
          throw Fault("The argument `\(text)` is given twice")
        }
        result.named.append((text, entry.value))
      }
    }
    return result
  }

  private func filtered(
    _ operand: Expression?, _ name: String, _ arguments: CallArguments, _ position: Int
  ) throws -> Value {
    guard let operand else { throw Fault("The filter `\(name)` has nothing to work on") }
    return try filtered(try evaluate(operand), name, arguments, position)
  }

  private func filtered(
    _ value: Value, _ name: String, _ arguments: CallArguments, _ position: Int
  ) throws -> Value {
    let arguments = try evaluated(arguments, position)
    at(position)
    return try Filters.apply(name, to: value, arguments, self)
  }

  private func tested(
    _ operand: Expression, _ name: String, _ arguments: CallArguments, _ position: Int
  ) throws -> Bool {
    let value = try evaluate(operand)
    let arguments = try evaluated(arguments, position)
    at(position)
    return try ValueTests.holds(name, value, arguments)
  }

  /// A chain of filters over the text of a block.
  func applied(_ filter: Expression, to value: Value) throws -> Value {
    guard case .filter(let operand, let name, let arguments) = filter.form else { return value }
    return try filtered(try operand.map { try applied($0, to: value) } ?? value, name, arguments, filter.position)
  }
}
