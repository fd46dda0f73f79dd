/// An expression with the position in the source that its errors point to.
struct Expression: Sendable {
  indirect enum Form: Sendable {
    case constant(Value)
    /// A variable, by its place in ``Program/names``.
    case name(Int)
    case list([Expression])
    case tuple([Expression])
    case dictionary([(key: Expression, value: Expression)])
    case not(Expression)
    case negative(Expression)
    case positive(Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
    case arithmetic(String, Expression, Expression)
    case concatenation([Expression])
    case comparison(Expression, [(operation: String, operand: Expression)])
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    case attribute(Expression, String)
    case item(Expression, Expression)
    case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
    case call(Expression, CallArguments)
    /// The operand is nil in a filter block, where the rendered body takes its place.
    case filter(Expression?, String, CallArguments)
    case test(Expression, String, CallArguments)
  }

  let form: Form
  let position: Int
  /// How many expressions stand inside each other, this one included; bounded by the parser.
  let height: Int

  init(form: Form, position: Int) {
    self.form = form
    self.position = position
    height = 1 + form.parts.reduce(0) { max($0, $1.height) }
  }
}

extension Expression.Form {
  /// The expressions directly inside.
  var parts: [Expression] {
    switch self {
    case .constant, .name: []
    case .list(let parts), .tuple(let parts), .concatenation(let parts): parts
    case .dictionary(let members): members.flatMap { [$0.key, $0.value] }
    case .not(let part), .negative(let part), .positive(let part), .attribute(let part, _): [part]
    case .and(let a, let b), .or(let a, let b), .arithmetic(_, let a, let b), .item(let a, let b): [a, b]
    case .comparison(let first, let rest): [first] + rest.map(\.operand)
    case .conditional(let test, let then, let otherwise): [test, then] + (otherwise.map { [$0] } ?? [])
    case .slice(let operand, let start, let stop, let step): [operand] + [start, stop, step].compactMap { $0 }
    case .call(let callee, let arguments): [callee] + arguments.parts
    case .filter(let operand, _, let arguments): (operand.map { [$0] } ?? []) + arguments.parts
    case .test(let operand, _, let arguments): [operand] + arguments.parts
    }
  }
}

/// The arguments of a call as they are written.
struct CallArguments: Sendable {
  var positional: [Expression] = []
  var named: [(name: String, value: Expression)] = []
  var unpackedList: Expression?
  var unpackedDictionary: Expression?

  var parts: [Expression] {
    positional + named.map(\.value) + [unpackedList, unpackedDictionary].compactMap { $0 }
  }
}

/// What can stand left of `=` or between `for` and `in`.
indirect enum AssignmentTarget: Sendable {
  case name(Int)
  case tuple([AssignmentTarget])
  /// `namespace.attribute`
  case attribute(namespace: Int, name: String, position: Int)
}

/// The parameters and the body of a macro or of a call block.
final class MacroDefinition: Sendable {
  let name: String
  let parameters: [(name: Int, text: String, fallback: Expression?)]
  let body: [Statement]
  let usesCaller: Bool
  let usesNamed: Bool
  let usesPositional: Bool

  init(
    name: String, parameters: [(name: Int, text: String, fallback: Expression?)], body: [Statement],
    uses: (caller: Bool, named: Bool, positional: Bool)
  ) {
    self.name = name
    self.parameters = parameters
    self.body = body
    (usesCaller, usesNamed, usesPositional) = uses
  }
}

/// A statement of a template.
indirect enum Statement: Sendable {
  case data(Text)
  case output(Expression)
  case condition(branches: [(test: Expression, body: [Statement])], otherwise: [Statement])
  case loop(
    target: AssignmentTarget, items: Expression, test: Expression?, body: [Statement], otherwise: [Statement],
    position: Int)
  case stop
  case skip
  case set(AssignmentTarget, Expression)
  case setBlock(AssignmentTarget, filter: Expression?, body: [Statement])
  case macro(MacroDefinition, name: Int)
  case callBlock(Expression, MacroDefinition)
  case filterBlock(Expression, body: [Statement])
  case with([(target: AssignmentTarget, value: Expression)], body: [Statement])
  case generation(body: [Statement])
}

/// A parsed template.
struct Program: Sendable {
  var body: [Statement]
  /// The names of all variables; scopes hold values by the place in this list.
  var names: [String]
  var hasGenerationBlocks: Bool
}
