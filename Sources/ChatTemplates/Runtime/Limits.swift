/// What one rendering may use at most, so that no template can hang the program or exhaust its memory.
enum Limits {
  /// Elements of one `range`, the number of Jinja's sandbox.
  static let range = 100_000
  /// Statements and expressions evaluated.
  static let steps = 5_000_000
  /// Characters and values read or made in a rendering, and how many more for each character of what is rendered.
  static let work = 64_000_000
  static let workPerCharacter = 1024
  /// How many characters one counts as where each is looked up or written in another way.
  static let slowWork = 16
  /// Scalars in one string, elements in one list that a template makes.
  static let size = 16_000_000
  /// How many characters a note on where characters come from counts as: what it takes in memory.
  static let noteSize = 8
  /// Expressions, statements and calls inside each other while rendering, sized for a stack of 8 MiB.
  static let nesting = 600
  /// Expressions inside each other in the source, chains of operators included.
  static let expressionHeight = 300
  /// Tags and brackets inside each other in the source.
  static let syntaxNesting = 150
}
