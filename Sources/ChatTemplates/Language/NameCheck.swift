/// Looks for filters and tests that do not exist, as Jinja does when it compiles a template.
///
/// What stands in an `if` is let pass, as Jinja does: it fails once it is reached. What an `if` holds in a block of its own,
/// such as a loop or a macro, is not.
struct NameCheck {
  let source: TemplateSource

  /// - Throws: ``TemplateError`` for the first one.
  func check(_ statements: [Statement], isConditional: Bool = false) throws {
    for statement in statements { try check(statement, isConditional) }
  }

  private func check(_ statement: Statement, _ isConditional: Bool) throws {
    switch statement {
    case .data, .stop, .skip: return
    case .output(let expression), .set(_, let expression): try check(expression, isConditional)
    case .condition(let branches, let otherwise):
      for branch in branches {
        try check(branch.test, true)
        try check(branch.body, isConditional: true)
      }
      try check(otherwise, isConditional: true)
    case .loop(_, let items, let test, let body, let otherwise, _):
      try check(items, isConditional)
      if let test { try check(test, false) }
      try check(body + otherwise)
    case .setBlock(_, let filter, let body):
      if let filter { try check(filter, false) }
      try check(body)
    case .macro(let definition, _): try check(definition)
    case .callBlock(let call, let definition):
      try check(call, isConditional)
      try check(definition)
    case .filterBlock(let filter, let body):
      try check(filter, false)
      try check(body)
    case .with(let values, let body):
      for value in values { try check(value.value, isConditional) }
      try check(body)
    case .generation(let body): try check(body)
    }
  }

  private func check(_ definition: MacroDefinition) throws {
    for parameter in definition.parameters { if let fallback = parameter.fallback { try check(fallback, false) } }
    try check(definition.body)
  }

  private func check(_ expression: Expression, _ isConditional: Bool) throws {
    var isConditional = isConditional
    switch expression.form {
    case .conditional: isConditional = true
    case .filter(_, let name, _) where !isConditional && !Filters.isKnown(name):
      throw source.error(Filters.unknown(name), at: expression.position)
    case .test(_, let name, _) where !isConditional && !ValueTests.exists(name):
      throw source.error(ValueTests.unknown(name), at: expression.position)
    // A constant on the left decides, and the right side is never reached.
    case .or(let left, _), .and(let left, _):
      if case .constant = left.form { isConditional = true }
    default: break
    }
    for part in expression.form.parts { try check(part, isConditional) }
  }
}
