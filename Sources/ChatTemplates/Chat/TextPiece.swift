/// A stretch of a rendered conversation that is trained as a whole or not at all.
package struct TextPiece: Sendable, Equatable {
  /// Neighbouring characters that count alike when they are learned.
  package struct Stretch: Sendable, Hashable {
    /// In bytes of the piece, behind the last character.
    package var end: Int
    package var weight: Double

    package init(end: Int, weight: Double) {
      self.end = end
      self.weight = weight
    }
  }

  package var text: String
  package var isTrained: Bool
  /// What its characters count, from the first to the last; empty where all count 1.
  package var weights: [Stretch]

  package init(text: String, isTrained: Bool, weights: [Stretch] = []) {
    self.text = text
    self.isTrained = isTrained
    self.weights = weights
  }

  package static func == (a: TextPiece, b: TextPiece) -> Bool {
    a.isTrained == b.isTrained && a.weights == b.weights && a.text.utf8.elementsEqual(b.text.utf8)
  }

  /// Multiplies what the characters of a stretch of bytes count.
  package mutating func weigh(_ range: Range<Int>, by factor: Double) {
    guard !range.isEmpty, factor != 1 else { return }
    var made: [Stretch] = []
    var start = 0
    for stretch in weights.isEmpty ? [Stretch(end: text.utf8.count, weight: 1)] : weights {
      for end in [range.lowerBound, range.upperBound, stretch.end] {
        let end = min(end, stretch.end)
        guard end > start else { continue }
        let weight = range.contains(start) ? stretch.weight * factor : stretch.weight
        if let last = made.last, last.weight == weight {
          made[made.count - 1].end = end
        } else {
          made.append(Stretch(end: end, weight: weight))
        }
        start = end
      }
    }
    weights = made.count == 1 && made[0].weight == 1 ? [] : made
  }
}
