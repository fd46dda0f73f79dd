/// A stretch of a rendered conversation that is trained as a whole or not at all.
package struct TextPiece: Sendable, Equatable {
  package var text: String
  package var isTrained: Bool

  package init(text: String, isTrained: Bool) {
    self.text = text
    self.isTrained = isTrained
  }

  package static func == (a: TextPiece, b: TextPiece) -> Bool {
    a.isTrained == b.isTrained && a.text.utf8.elementsEqual(b.text.utf8)
  }
}
