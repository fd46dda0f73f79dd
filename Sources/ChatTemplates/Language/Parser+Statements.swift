extension Parser {
  mutating func condition() throws -> Statement {
    advance()
    var branches: [(test: Expression, body: [Statement])] = []
    while true {
      let test = try tupleOrExpression(allowsConditional: false)
      try expect(.blockEnd)
      branches.append((test, try statements(until: ["elif", "else", "endif"])))
      if take(name: "elif") { continue }
      if take(name: "else") { return .condition(branches: branches, otherwise: try body(until: "endif")) }
      advance()
      return .condition(branches: branches, otherwise: [])
    }
  }

  mutating func loop() throws -> Statement {
    let position = current.position
    advance()
    let target = try assignmentTarget(endsBefore: "in")
    try expect(.name("in"))
    let items = try tupleOrExpression(allowsConditional: false, endsBefore: "recursive")
    let test = take(name: "if") ? try expression() : nil
    if isName("recursive") { throw Fault(.unsupported, "Recursive loops are not supported in chat templates") }
    try expect(.blockEnd)
    loopDepth += 1
    let body = try statements(until: ["endfor", "else"])
    loopDepth -= 1
    let otherwise = take(name: "else") ? try self.body(until: "endfor") : []
    if isName("endfor") { advance() }
    return .loop(target: target, items: items, test: test, body: body, otherwise: otherwise, position: position)
  }

  mutating func set() throws -> Statement {
    advance()
    let target = try assignmentTarget(allowsAttribute: true)
    if take(sign: "=") { return .set(target, try tupleOrExpression()) }
    let filter = isSign("|") ? try filters(nil) : nil
    return .setBlock(target, filter: filter, body: try body(until: "endset"))
  }

  mutating func with() throws -> Statement {
    advance()
    var values: [(target: AssignmentTarget, value: Expression)] = []
    while current.kind != .blockEnd {
      if !values.isEmpty { try expect(.sign(",")) }
      let target = try assignmentTarget()
      try expect(.sign("="))
      values.append((target, try expression()))
    }
    return .with(values, body: try body(until: "endwith"))
  }

  mutating func macro() throws -> Statement {
    advance()
    let name = try expectName()
    let parameters = try signature()
    return .macro(try definition(name, parameters, end: "endmacro"), name: place(of: name))
  }

  mutating func callBlock() throws -> Statement {
    advance()
    let parameters = isSign("(") ? try signature() : []
    let call = try expression()
    guard case .call = call.form else { throw Fault(.syntax, "a call block needs a call") }
    return .callBlock(call, try definition("caller", parameters, end: "endcall"))
  }

  mutating func filterBlock() throws -> Statement {
    advance()
    let filter = try filters(nil, startsInline: true)
    return .filterBlock(filter, body: try body(until: "endfilter"))
  }

  private mutating func definition(
    _ name: String, _ parameters: [(name: Int, text: String, fallback: Expression?)], end: String
  ) throws -> MacroDefinition {
    let outerLoops = loopDepth
    loopDepth = 0
    special.append([])
    defer { loopDepth = outerLoops }
    let body = try body(until: end)
    let used = special.removeLast()
    // A call block inside a macro can mention the macro's own special names.
    if name == "caller", !special.isEmpty { special[special.count - 1].formUnion(used) }
    return MacroDefinition(
      name: name, parameters: parameters, body: body,
      uses: (used.contains("caller"), used.contains("kwargs"), used.contains("varargs")))
  }

  private mutating func signature() throws -> [(name: Int, text: String, fallback: Expression?)] {
    var parameters: [(name: Int, text: String, fallback: Expression?)] = []
    try expect(.sign("("))
    while !isSign(")") {
      if !parameters.isEmpty { try expect(.sign(",")) }
      let name = try expectName()
      if take(sign: "=") {
        parameters.append((place(of: name), name, try expression()))
      } else {
        if parameters.contains(where: { $0.fallback != nil }) {
          throw Fault(.syntax, "a parameter without a default follows one with a default")
        }
        parameters.append((place(of: name), name, nil))
      }
    }
    advance()
    return parameters
  }

  /// Reads what is assigned to: a name, names with commas, or `namespace.attribute`.
  private mutating func assignmentTarget(
    allowsAttribute: Bool = false, endsBefore end: String? = nil
  ) throws -> AssignmentTarget {
    var targets: [AssignmentTarget] = []
    var isTuple = false
    while true {
      if isSign("=") || isSign(")") || current.kind == .blockEnd || end.map({ isName($0) }) == true { break }
      targets.append(try singleTarget(allowsAttribute: allowsAttribute))
      guard take(sign: ",") else { break }
      isTuple = true
    }
    guard let first = targets.first else { throw unexpected("expected a name to assign to") }
    return isTuple ? .tuple(targets) : first
  }

  private mutating func singleTarget(allowsAttribute: Bool) throws -> AssignmentTarget {
    if take(sign: "(") {
      let inner = try nested { try $0.assignmentTarget(allowsAttribute: allowsAttribute) }
      try expect(.sign(")"))
      return inner
    }
    let position = current.position
    guard case .name(let name) = current.kind,
      !["true", "false", "none", "True", "False", "None"].contains(name)
    else { throw unexpected("expected a name to assign to") }
    advance()
    if allowsAttribute, take(sign: ".") {
      return .attribute(namespace: place(of: name), name: try expectName(), position: position)
    }
    return .name(place(of: name))
  }
}
