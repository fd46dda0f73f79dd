extension Parser {
  /// Reads an expression, or several with commas, which make a tuple.
  mutating func tupleOrExpression(
    allowsConditional: Bool = true, endsBefore end: String? = nil, inParentheses: Bool = false
  ) throws -> Expression {
    let position = current.position
    var parts: [Expression] = []
    var isTuple = false
    while true {
      if current.kind == .variableEnd || current.kind == .blockEnd || isSign(")") || end.map({ isName($0) }) == true {
        break
      }
      parts.append(allowsConditional ? try expression() : try or())
      guard take(sign: ",") else { break }
      isTuple = true
    }
    if !isTuple {
      if let first = parts.first { return first }
      guard inParentheses else { throw unexpected("expected an expression") }
    }
    return Expression(form: .tuple(parts), position: position)
  }

  mutating func expression() throws -> Expression {
    try nested { parser in
      let position = parser.current.position
      var result = try parser.or()
      while parser.take(name: "if") {
        let test = try parser.or()
        let otherwise = parser.take(name: "else") ? try parser.expression() : nil
        let form = Expression.Form.conditional(test: test, then: result, otherwise: otherwise)
        result = try parser.checked(Expression(form: form, position: position))
      }
      return result
    }
  }

  /// Refuses chains whose tree would be too high to walk.
  private func checked(_ expression: Expression) throws -> Expression {
    guard expression.height <= Limits.expressionHeight else {
      throw Fault(.limit, "The expression is nested deeper than \(Limits.expressionHeight) levels")
    }
    return expression
  }

  private mutating func or() throws -> Expression {
    var left = try and()
    while isName("or") {
      let position = current.position
      advance()
      left = try checked(Expression(form: .or(left, try and()), position: position))
    }
    return left
  }

  private mutating func and() throws -> Expression {
    var left = try not()
    while isName("and") {
      let position = current.position
      advance()
      left = try checked(Expression(form: .and(left, try not()), position: position))
    }
    return left
  }

  private mutating func not() throws -> Expression {
    guard isName("not") else { return try comparison() }
    let position = current.position
    advance()
    return Expression(form: .not(try nested { try $0.not() }), position: position)
  }

  private mutating func comparison() throws -> Expression {
    let position = current.position
    let first = try sum()
    var rest: [(operation: String, operand: Expression)] = []
    while true {
      if case .sign(let sign) = current.kind, ["==", "!=", "<", "<=", ">", ">="].contains(sign) {
        advance()
        rest.append((sign, try sum()))
      } else if take(name: "in") {
        rest.append(("in", try sum()))
      } else if isName("not"), next.kind == .name("in") {
        advance()
        advance()
        rest.append(("not in", try sum()))
      } else {
        return rest.isEmpty ? first : Expression(form: .comparison(first, rest), position: position)
      }
    }
  }

  private mutating func sum() throws -> Expression {
    var left = try concatenation()
    while case .sign(let sign) = current.kind, sign == "+" || sign == "-" {
      let position = current.position
      advance()
      left = try checked(Expression(form: .arithmetic(sign, left, try concatenation()), position: position))
    }
    return left
  }

  private mutating func concatenation() throws -> Expression {
    let position = current.position
    var parts = [try product()]
    while take(sign: "~") { parts.append(try product()) }
    return parts.count == 1 ? parts[0] : Expression(form: .concatenation(parts), position: position)
  }

  private mutating func product() throws -> Expression {
    var left = try power()
    while case .sign(let sign) = current.kind, ["*", "/", "//", "%"].contains(sign) {
      let position = current.position
      advance()
      left = try checked(Expression(form: .arithmetic(sign, left, try power()), position: position))
    }
    return left
  }

  /// Jinja's power binds from the left, unlike Python's.
  private mutating func power() throws -> Expression {
    var left = try unary()
    while isSign("**") {
      let position = current.position
      advance()
      left = try checked(Expression(form: .arithmetic("**", left, try unary()), position: position))
    }
    return left
  }

  private mutating func unary(withFilters: Bool = true) throws -> Expression {
    let position = current.position
    var result: Expression
    if isSign("-") || isSign("+") {
      let isNegative = isSign("-")
      advance()
      let operand = try nested { try $0.unary(withFilters: false) }
      result = Expression(form: isNegative ? .negative(operand) : .positive(operand), position: position)
    } else {
      result = try primary()
    }
    result = try postfix(result)
    guard withFilters else { return result }
    while true {
      if isSign("|") {
        result = try filters(result)
      } else if isName("is") {
        result = try test(result)
      } else if isSign("(") {
        result = try call(result)
      } else {
        return result
      }
    }
  }

  private mutating func primary() throws -> Expression {
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

  private mutating func postfix(_ operand: Expression) throws -> Expression {
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

  private mutating func subscripted(_ operand: Expression, position: Int) throws -> Expression {
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

  private mutating func call(_ callee: Expression) throws -> Expression {
    let position = current.position
    return try checked(Expression(form: .call(callee, try arguments()), position: position))
  }

  private mutating func arguments() throws -> CallArguments {
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

  /// Reads `| name(…) | name …`; the first filter stands without `|` when `startsInline`.
  mutating func filters(_ operand: Expression?, startsInline: Bool = false) throws -> Expression {
    var result = operand
    var inline = startsInline
    while inline || isSign("|") {
      if !inline { advance() }
      inline = false
      let position = current.position
      let name = try dottedName()
      let arguments = isSign("(") ? try arguments() : CallArguments()
      result = try checked(Expression(form: .filter(result, name, arguments), position: position))
    }
    guard let result else { throw unexpected("expected a filter") }
    return result
  }

  private mutating func dottedName() throws -> String {
    var name = try expectName()
    while take(sign: ".") { name += "." + (try expectName()) }
    return name
  }

  private mutating func test(_ operand: Expression) throws -> Expression {
    advance()
    let isNegated = take(name: "not")
    let position = current.position
    let name = try dottedName()
    var arguments = CallArguments()
    switch current.kind {
    case .sign("("): arguments = try self.arguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw Fault(.syntax, "tests cannot be chained with `is`")
    case .name, .string, .integer, .wideInteger, .float, .sign("["), .sign("{"):
      arguments.positional = [try postfix(try primary())]
    default: break
    }
    let result = Expression(form: .test(operand, name, arguments), position: position)
    return try checked(isNegated ? Expression(form: .not(result), position: position) : result)
  }
}
