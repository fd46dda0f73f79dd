import LanguageModels
import PreciseJSON
import Tensors

/// The weights that were best on held-out rows so far: 4 bytes an element of what is trained.
final class BestWeights {
  /// Which evaluation they were found in.
  struct Found: Sendable, Hashable {
    var step: Int
    var value: Double

    var json: JSON { [JSON(step), JSON(value)] }

    init(step: Int, value: Double) {
      self.step = step
      self.value = value
    }

    init?(json: JSON) {
      guard let pair = json.array, pair.count == 2, let step = pair[0].int, let value = pair[1].double else {
        return nil
      }
      self.init(step: step, value: value)
    }
  }

  private let values: ParameterCopies

  init(_ parameters: [Parameter]) { values = ParameterCopies(parameters) }

  /// What a checkpoint holds.
  var tensors: [NamedTensor] { values.tensors("best") }

  /// Takes the values that the parameters have now.
  func keep() { values.keep() }

  /// Gives the parameters the values that were kept.
  func putBack() { values.putBack() }
}
