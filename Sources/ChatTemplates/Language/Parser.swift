import Diagnostics

/// Builds the program of a template from its tokens; the grammar is that of Jinja 3.1's own parser.
struct Parser {
  private let tokens: [Token]
  private var cursor = 0
  var names: [String] = []
  private var places: [String: Int] = [:]
  private var depth = 0
  /// Literals seen, for their numbers as sources of text.
  private var literals = 0
  var loopDepth = 0
  var hasGenerationBlocks = false
  /// For each macro being read: which of the special names its body mentions.
  var special: [Set<String>] = []

  private init(_ tokens: [Token]) { self.tokens = tokens }

  /// - Throws: ``TemplateError``
  static func program(of source: TemplateSource) throws -> Program {
    var parser = Parser(try Lexer.tokens(of: source))
    do {
      let body = try parser.statements(until: [])
      try NameCheck(source: source).check(body)
      return Program(body: body, names: parser.names, hasGenerationBlocks: parser.hasGenerationBlocks)
    } catch let fault as Fault {
      throw source.error(fault, at: parser.current.position)
    }
  }

  // MARK: Tokens

  var current: Token { tokens[cursor] }
  var next: Token { tokens[min(cursor + 1, tokens.count - 1)] }

  mutating func advance() { cursor = min(cursor + 1, tokens.count - 1) }

  func isSign(_ sign: String) -> Bool { current.kind == .sign(sign) }
  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func take(sign: String) -> Bool {
    guard isSign(sign) else { return false }
    advance()
    return true
  }

  mutating func take(name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: Token.Kind) throws {
    guard current.kind == kind else {
      throw unexpected("expected \(Token(kind: kind, position: 0).words)")
    }
    advance()
  }

  mutating func expectName() throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected("expected a name") }
    advance()
    return name
  }

  func unexpected(_ expectation: String) -> Fault { Fault(.syntax, "\(expectation), found \(current.words)") }

  // MARK: Names and literals

  mutating func place(of name: String) -> Int {
    if let place = places[name] { return place }
    names.append(name)
    places[name] = names.count - 1
    return names.count - 1
  }

  /// The text of a literal with its number as the source of its characters.
  mutating func literal(_ scalars: [Unicode.Scalar]) -> Text {
    literals += 1
    return Text(
      scalars: scalars, spans: [Text.Span(start: 0, end: scalars.count, source: .literal(literals), offset: 0)])
  }

  /// Runs `body` one level deeper in brackets or tags.
  mutating func nested<Result>(_ body: (inout Parser) throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Limits.syntaxNesting else {
      throw Fault(.limit, "The template is nested deeper than \(Limits.syntaxNesting) levels")
    }
    return try body(&self)
  }

  // MARK: Statements

  /// Reads statements up to one of the tags `ends`, whose name is the current token afterwards; up to the end of the
  /// template when `ends` is empty.
  mutating func statements(until ends: [String]) throws -> [Statement] {
    try nested { parser in
      var body: [Statement] = []
      while true {
        switch parser.current.kind {
        case .end:
          if ends.isEmpty { return body }
          throw Fault(.syntax, "the template ends inside a block; expected one of [\(ends.joined(separator: ", "))]")
        case .data(let text):
          body.append(.data(parser.literal(text.scalars)))
          parser.advance()
        case .variableBegin:
          parser.advance()
          body.append(.output(try parser.tupleOrExpression()))
          try parser.expect(.variableEnd)
        default:
          try parser.expect(.blockBegin)
          if case .name(let name) = parser.current.kind, ends.contains(name) { return body }
          body.append(try parser.statement())
          try parser.expect(.blockEnd)
        }
      }
    }
  }

  /// Reads the body of a tag up to its end tag and passes over the end tag's name.
  mutating func body(until end: String) throws -> [Statement] {
    try expect(.blockEnd)
    let body = try statements(until: [end])
    advance()
    return body
  }

  static let tags = [
    "if", "for", "set", "macro", "call", "filter", "with", "generation", "break", "continue", "raw",
  ]
  static let refusedTags = ["include", "import", "from", "extends", "block", "autoescape", "print", "do", "trans"]

  private mutating func statement() throws -> Statement {
    guard case .name(let name) = current.kind else { throw unexpected("expected the name of a tag") }
    switch name {
    case "if": return try condition()
    case "for": return try loop()
    case "set": return try set()
    case "macro": return try macro()
    case "call": return try callBlock()
    case "filter": return try filterBlock()
    case "with": return try with()
    case "generation":
      advance()
      hasGenerationBlocks = true
      return .generation(body: try body(until: "endgeneration"))
    case "break", "continue":
      guard loopDepth > 0 else { throw Fault(.syntax, "`\(name)` stands outside of a loop") }
      advance()
      return name == "break" ? .stop : .skip
    default:
      if Self.refusedTags.contains(name) {
        throw Fault(.unsupported, "The tag `\(name)` is not supported in chat templates")
      }
      let near = nearestName(to: name, among: Self.tags).map { "; did you mean `\($0)`" } ?? ""
      throw Fault(.syntax, "unknown tag `\(name)`\(near)")
    }
  }
}
