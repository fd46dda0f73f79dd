/// Renders one program once.
final class Interpreter {
  let program: Program
  let clock: @Sendable () -> TemplateClock
  private let context: [Value?]
  private let loopName: Int?
  private let callerName: Int?
  private let namedName: Int?
  private let positionalName: Int?
  var scope = Scope(in: nil)
  private(set) var output = Text()
  /// Where in the source the operation under way stands, for errors.
  private(set) var position = 0
  let budget: Budget
  private var depth = 0
  private var loops = 0
  /// What can hold itself in a circle, or be a link of a chain: emptied when the rendering ends.
  private var kept: (namespaces: [Namespace], scopes: [Scope]) = ([], [])

  /// Sets up one rendering of `program`; `variables` are what it can see besides the globals.
  init(_ program: Program, variables: [(name: String, value: Value)], clock: @escaping @Sendable () -> TemplateClock) {
    self.program = program
    self.clock = clock
    budget = Budget(input: variables.reduce(0) { $0 + $1.value.textSize })
    context = program.names.map { name in
      variables.last { $0.name == name }?.value ?? Globals.value(named: name)
    }
    loopName = program.names.firstIndex(of: "loop")
    callerName = program.names.firstIndex(of: "caller")
    namedName = program.names.firstIndex(of: "kwargs")
    positionalName = program.names.firstIndex(of: "varargs")
  }

  /// - Throws: ``Fault``, for the place ``position``.
  func render() throws -> Text {
    defer {
      for namespace in kept.namespaces { namespace.attributes = ValueDictionary() }
      for scope in kept.scopes { scope.clear() }
    }
    return try Budget.$current.withValue(budget) {
      _ = try run(program.body)
      return output
    }
  }

  /// A namespace of this rendering.
  func namespace(_ attributes: ValueDictionary) throws -> Namespace {
    try Value.dictionary(attributes).weighed()
    let namespace = Namespace(attributes)
    kept.namespaces.append(namespace)
    return namespace
  }

  /// What a statement does to the loop around it.
  enum Flow {
    case on
    case stop
    case skip
  }

  // MARK: Limits

  /// Counts one step and runs `body` one level deeper.
  func nested<Result>(_ body: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Limits.nesting else {
      throw Fault(.limit, "The rendering is nested deeper than \(Limits.nesting) levels")
    }
    try budget.step(1)
    return try body()
  }

  func step(_ count: Int = 1) throws {
    try budget.step(count)
  }

  func at(_ position: Int) { self.position = position }

  private func emit(_ text: Text) throws {
    try budget.charge(text.breadth)
    output.append(text)
    guard max(output.count, output.spans.count * Limits.noteSize) <= Limits.size else {
      throw Fault(.limit, "The rendering is longer than \(Limits.size) characters")
    }
  }

  /// Runs `body` with its output kept aside.
  func captured(_ body: () throws -> Flow) throws -> (text: Text, flow: Flow) {
    let outer = output
    output = Text()
    defer { output = outer }
    let flow = try body()
    return (output, flow)
  }

  /// Runs `body` in a block of its own.
  func scoped<Result>(in parent: Scope? = nil, _ body: () throws -> Result) rethrows -> Result {
    let outer = scope
    scope = Scope(in: parent ?? outer)
    defer { scope = outer }
    return try body()
  }

  // MARK: Statements

  func run(_ statements: [Statement]) throws -> Flow {
    for statement in statements {
      try step()
      let flow: Flow
      switch statement {
      case .data(let text):
        try emit(text)
        continue
      case .output(let expression):
        try runOutput(expression)
        continue
      default: flow = try nested { try run(statement) }
      }
      if flow != .on { return flow }
    }
    return .on
  }

  private func runOutput(_ expression: Expression) throws {
    let value = try evaluate(expression)
    at(expression.position)
    try emit(try value.text())
  }

  private func run(_ statement: Statement) throws -> Flow {
    switch statement {
    case .data, .output: return .on
    case .condition(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test).isTrue { return try run(branch.body) }
      return try run(otherwise)
    case .loop(let target, let items, let test, let body, let otherwise, let position):
      return try runLoop(target, items, test, body, otherwise, position)
    case .stop: return .stop
    case .skip: return .skip
    case .set(let target, let expression):
      let value = try evaluate(expression)
      at(expression.position)
      try assign(value, to: target)
      return .on
    case .setBlock(let target, let filter, let body):
      let (text, flow) = try captured { try scoped { try run(body) } }
      try assign(try filter.map { try applied($0, to: .string(text)) } ?? .string(text), to: target)
      return flow
    case .macro(let definition, let name):
      kept.scopes.append(scope)
      scope.set(name, .function(macro(definition)))
      return .on
    case .callBlock(let call, let definition):
      kept.scopes.append(scope)
      let value = try evaluate(call, caller: .function(macro(definition)))
      at(call.position)
      try emit(try value.text())
      return .on
    case .filterBlock(let filter, let body):
      let (text, flow) = try captured { try scoped { try run(body) } }
      try emit(try applied(filter, to: .string(text)).text())
      return flow
    case .with(let values, let body):
      // All values are read before the first name is set.
      let evaluated = try values.map { try evaluate($0.value) }
      return try scoped {
        for (assignment, value) in zip(values, evaluated) { try assign(value, to: assignment.target) }
        return try run(body)
      }
    case .generation(let body):
      var (text, flow) = try captured { try scoped { try run(body) } }
      text.spans.append(Text.Span(start: 0, end: text.count, source: .generation, offset: nil))
      try emit(text)
      return flow
    }
  }

  private func runLoop(
    _ target: AssignmentTarget, _ items: Expression, _ test: Expression?, _ body: [Statement],
    _ otherwise: [Statement], _ position: Int
  ) throws -> Flow {
    let value = try evaluate(items)
    at(items.position)
    var elements = try value.iterated()
    if let test {
      elements = try elements.filter { element in
        try step()
        return try scoped {
          try assign(element, to: target)
          return try evaluate(test).isTrue
        }
      }
    }
    let state = LoopState(elements, depth: loops)
    loops += 1
    defer { loops -= 1 }
    for (index, element) in elements.enumerated() {
      try step()
      state.index = index
      at(position)
      let flow = try scoped {
        if let loopName { scope.set(loopName, .loop(state)) }
        try assign(element, to: target)
        return try run(body)
      }
      if flow == .stop { break }
    }
    return elements.isEmpty ? try scoped { try run(otherwise) } : .on
  }

  private func assign(_ value: Value, to target: AssignmentTarget) throws {
    switch target {
    case .name(let name): scope.set(name, value)
    case .tuple(let targets):
      let elements = try value.iterated()
      guard elements.count == targets.count else {
        throw Fault("\(targets.count) names cannot take \(elements.count) values")
      }
      for (target, element) in zip(targets, elements) { try assign(element, to: target) }
    case .attribute(let name, let attribute, let position):
      at(position)
      guard case .namespace(let namespace) = lookUp(name) else {
        throw Fault("Attributes can be set on a namespace only, and `\(program.names[name])` is none")
      }
      namespace.attributes.set(name: attribute, value)
    }
  }

  func lookUp(_ name: Int) -> Value {
    scope[name] ?? context[name] ?? .undefined(Undefined(words: "`\(program.names[name])` is undefined"))
  }

  // MARK: Macros

  private func macro(_ definition: MacroDefinition) -> Function {
    let home = scope
    return Function(definition.name, isMacro: true) { interpreter, arguments in
      try interpreter.nested { try interpreter.call(definition, in: home, arguments) }
    }
  }

  private func call(_ definition: MacroDefinition, in home: Scope, _ arguments: Arguments) throws -> Value {
    let name = definition.name
    var given: [Value?] = definition.parameters.map { _ in nil }
    for index in given.indices where index < arguments.positional.count { given[index] = arguments.positional[index] }
    var rest = ValueDictionary()
    var caller: Value?
    for (key, value) in arguments.named {
      if let index = definition.parameters.firstIndex(where: { $0.text == key }) {
        if given[index] != nil { throw Fault("Macro `\(name)` is given the argument `\(key)` twice") }
        given[index] = value
      } else if key == "caller", definition.usesCaller {
        caller = value
      } else if definition.usesNamed {
        rest.set(name: key, value)
      } else {
        throw Fault("Macro `\(name)` has no argument `\(key)`")
      }
    }
    let extra = arguments.positional.dropFirst(given.count)
    if !extra.isEmpty, !definition.usesPositional {
      throw Fault("Macro `\(name)` takes at most \(given.count) arguments, \(arguments.positional.count) are given")
    }
    return try scoped(in: home) {
      for (parameter, value) in zip(definition.parameters, given) {
        if let value {
          scope.set(parameter.name, value)
        } else if let fallback = parameter.fallback {
          scope.set(parameter.name, try evaluate(fallback))
        } else {
          scope.set(parameter.name, .undefined(Undefined(words: "The parameter `\(parameter.text)` was not given")))
        }
      }
      if definition.usesCaller, let callerName {
        scope.set(callerName, caller ?? .undefined(Undefined(words: "`\(name)` was not called by a call block")))
      }
      if definition.usesNamed, let namedName { scope.set(namedName, try weighed(.dictionary(rest))) }
      if definition.usesPositional, let positionalName { scope.set(positionalName, try weighed(.tuple(Array(extra)))) }
      return .string(try captured { try run(definition.body) }.text)
    }
  }
}
