import Glibc
import PreciseJSON

/// Whether an evaluated loss is one that a model of the vocabulary can have.
package struct MeasuredLoss: SanityCheck {
  package static let name = "loss"

  package var loss: Double
  package var vocabulary: Int

  package init(_ loss: Double, vocabulary: Int) {
    self.loss = loss
    self.vocabulary = vocabulary
  }

  /// What a uniform guess gets.
  package var ofGuessing: Double { log(Double(max(2, vocabulary))) }

  package var verdict: SanityVerdict { loss <= ofGuessing + FirstLoss.aboveGuessing ? .fine : .warning }

  package var evidence: [(key: String, value: JSON)] {
    [("loss", JSON(loss)), ("guessing", JSON(ofGuessing))]
  }
}
