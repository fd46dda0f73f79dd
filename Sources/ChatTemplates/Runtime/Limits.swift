/// What one rendering may use at most, so that no template can hang the program or exhaust its memory.
enum Limits {
  /// Elements of one `range`, the number of Jinja's sandbox.
  static let range = 100_000
  /// Statements and expressions evaluated.
  static let steps = 5_000_000
  /// Scalars in one string, elements in one list that a template makes.
  static let size = 16_000_000
  /// Expressions, statements and calls inside each other while rendering, sized for a stack of 8 MiB.
  static let nesting = 600
  /// Expressions inside each other in the source, chains of operators included.
  static let expressionHeight = 300
  /// Tags and brackets inside each other in the source.
  static let syntaxNesting = 150
}
