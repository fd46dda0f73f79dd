/// The tokens that a model gives a meaning of their own.
package struct SpecialTokens: Sendable, Hashable {
  /// A token and its text.
  package struct Token: Sendable, Hashable {
    package var id: Int32
    package var text: String

    package init(id: Int32, text: String) {
      self.id = id
      self.text = text
    }
  }

  package var bos: Token?
  package var eos: Token?
  package var pad: Token?
  package var unknown: Token?

  package init(bos: Token? = nil, eos: Token? = nil, pad: Token? = nil, unknown: Token? = nil) {
    self.bos = bos
    self.eos = eos
    self.pad = pad
    self.unknown = unknown
  }
}
