/// A piece of a template as the parser sees it.
struct Token: Sendable {
  enum Kind: Sendable, Equatable {
    case data(Text)
    case variableBegin
    case variableEnd
    case blockBegin
    case blockEnd
    case name(String)
    case string([Unicode.Scalar])
    case integer(Int)
    case wideInteger(String)
    case float(Double)
    /// An operator or bracket, by its text.
    case sign(String)
    case end
  }

  var kind: Kind
  /// Where it starts in the source, in scalars.
  var position: Int

  /// The token in the words of an error.
  var words: String {
    switch kind {
    case .data: "template data"
    case .variableBegin: "`{{`"
    case .variableEnd: "`}}`"
    case .blockBegin: "`{%`"
    case .blockEnd: "`%}`"
    case .name(let name): "`\(name)`"
    case .string: "a string"
    case .integer, .wideInteger, .float: "a number"
    case .sign(let sign): "`\(sign)`"
    case .end: "the end of the template"
    }
  }
}
