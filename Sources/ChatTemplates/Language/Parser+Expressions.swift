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
  func checked(_ expression: Expression) throws -> Expression {
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
  mutating func power() throws -> Expression {
    var left = try unary()
    while isSign("**") {
      let position = current.position
      advance()
      left = try checked(Expression(form: .arithmetic("**", left, try unary()), position: position))
    }
    return left
  }

  mutating func unary(withFilters: Bool = true) throws -> Expression {
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
}
