extension Parser {
  mutating func primary() throws -> Expression {
    let position = current.position
    func constant(_ value: Value) -> Expression { Expression(form: .constant(value), position: position) }
    switch current.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return constant(.bool(true))
      case "false", "False": return constant(.bool(false))
      case "none", "None": return constant(.none)
      default:
        if !special.isEmpty, ["caller", "kwargs", "varargs"].contains(name) {
          special[special.count - 1].insert(name)
        }
        return Expression(form: .name(place(of: name)), position: position)
      }
    case .string:
      // Strings that follow each other are one.
      var text = Text()
      while case .string(let scalars) = current.kind {
        text.append(literal(scalars))
        advance()
      }
      return constant(.string(text))
    case .integer(let value):
      advance()
      return constant(.int(value))
    case .wideInteger(let digits):
      advance()
      return constant(.wideInt(digits))
    case .float(let value):
      advance()
      return constant(.float(value))
    case .sign("("):
      advance()
      let inner = try nested { try $0.tupleOrExpression(inParentheses: true) }
      try expect(.sign(")"))
      return inner
    case .sign("["):
      advance()
      var values: [Expression] = []
      while !isSign("]") {
        if !values.isEmpty { try expect(.sign(",")) }
        if isSign("]") { break }
        values.append(try expression())
      }
      advance()
      return Expression(form: .list(values), position: position)
    case .sign("{"):
      advance()
      var members: [(key: Expression, value: Expression)] = []
      while !isSign("}") {
        if !members.isEmpty { try expect(.sign(",")) }
        if isSign("}") { break }
        let key = try expression()
        try expect(.sign(":"))
        members.append((key, try expression()))
      }
      advance()
      return Expression(form: .dictionary(members), position: position)
    default: throw Fault(.syntax, "unexpected \(current.words)")
    }
  }

  mutating func postfix(_ operand: Expression) throws -> Expression {
    var result = operand
    while true {
      let position = current.position
      if take(sign: ".") {
        switch current.kind {
        case .name(let name):
          advance()
          result = try checked(Expression(form: .attribute(result, name), position: position))
        case .integer(let index):
          advance()
          let index = Expression(form: .constant(.int(index)), position: position)
          result = try checked(Expression(form: .item(result, index), position: position))
        default: throw unexpected("expected a name or a number")
        }
      } else if take(sign: "[") {
        result = try checked(try subscripted(result, position: position))
      } else if isSign("(") {
        result = try call(result)
      } else {
        return result
      }
    }
  }

  mutating func subscripted(_ operand: Expression, position: Int) throws -> Expression {
    var start: Expression?
    if !isSign(":") {
      let index = try tupleInBrackets()
      if take(sign: "]") { return Expression(form: .item(operand, index), position: position) }
      start = index
    }
    try expect(.sign(":"))
    let stop = isSign(":") || isSign("]") ? nil : try expression()
    let step = take(sign: ":") && !isSign("]") ? try expression() : nil
    if isSign(",") { throw Fault(.unsupported, "Several slices in one subscript are not supported") }
    try expect(.sign("]"))
    return Expression(form: .slice(operand, start: start, stop: stop, step: step), position: position)
  }

  /// `a` or `a, b`, the inside of a subscript.
  private mutating func tupleInBrackets() throws -> Expression {
    let first = try expression()
    guard isSign(",") else { return first }
    var parts = [first]
    while take(sign: ",") { parts.append(try expression()) }
    return Expression(form: .tuple(parts), position: first.position)
  }

  mutating func call(_ callee: Expression) throws -> Expression {
    let position = current.position
    return try checked(Expression(form: .call(callee, try arguments()), position: position))
  }

  mutating func arguments() throws -> CallArguments {
    var arguments = CallArguments()
    let wrong = Fault(.syntax, "the arguments of this call are in an order that is not allowed")
    try expect(.sign("("))
    var isFirst = true
    while !isSign(")") {
      if !isFirst {
        try expect(.sign(","))
        if isSign(")") { break }
      }
      isFirst = false
      if take(sign: "*") {
        guard arguments.unpackedList == nil, arguments.unpackedDictionary == nil else { throw wrong }
        arguments.unpackedList = try expression()
      } else if take(sign: "**") {
        guard arguments.unpackedDictionary == nil else { throw wrong }
        arguments.unpackedDictionary = try expression()
      } else if case .name(let name) = current.kind, next.kind == .sign("=") {
        guard arguments.unpackedDictionary == nil else { throw wrong }
        advance()
        advance()
        if arguments.named.contains(where: { $0.name == name }) {
          throw Fault(.syntax, "the argument `\(name)` is given twice")
        }
        arguments.named.append((name, try expression()))
      } else {
        guard arguments.unpackedList == nil, arguments.unpackedDictionary == nil, arguments.named.isEmpty else {
          throw wrong
        }
        arguments.positional.append(try expression())
      }
    }
    advance()
    return arguments
  }
}
