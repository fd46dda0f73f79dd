/// What went wrong while a template was read or rendered, before its place is known.
struct Fault: Error {
  var kind: TemplateError.Kind
  var words: String

  init(_ kind: TemplateError.Kind = .evaluation, _ words: String) {
    self.kind = kind
    self.words = words
  }

  init(_ words: String) { self.init(.evaluation, words) }
}
