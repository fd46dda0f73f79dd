extension Parser {
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

  mutating func dottedName() throws -> String {
    var name = try expectName()
    while take(sign: ".") { name += "." + (try expectName()) }
    return name
  }

  mutating func test(_ operand: Expression) throws -> Expression {
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
