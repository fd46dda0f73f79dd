import LanguageModels
import Tensors

/// The tensors of a model in memory as they are to be written: what training left, an adapter merged.
package struct TrainedWeights: WeightSource {
  private let model: LanguageModel
  private let names: Set<String>
  /// Those of the model that are taken, and what has the others; nil where all are.
  private let part: (trained: Set<String>, base: any WeightSource)?
  package let origin: String

  /// - Parameter origin: What messages call the model.
  package init(_ model: LanguageModel, origin: String) {
    self.init(model, nil, origin)
  }

  /// The tensors of a model of which a part was trained: the others are those of the base, bit by bit, in every class of
  /// arithmetic.
  package init(_ model: LanguageModel, _ trained: Set<String>, over base: any WeightSource, origin: String) {
    self.init(model, (trained, base), origin)
  }

  private init(_ model: LanguageModel, _ part: (trained: Set<String>, base: any WeightSource)?, _ origin: String) {
    self.model = model
    self.origin = origin
    self.part = part
    names = Set(model.configuration.tensors.map(\.name))
  }

  package func has(_ name: String) -> Bool { names.contains(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    if let part, !part.trained.contains(name) { return try part.base.tensor(named: name, shape: shape) }
    let tensor = try model.mergedTensor(named: name)
    guard tensor.shape == shape else {
      throw WeightError.shape(name: name, wanted: shape, found: tensor.shape, origin: origin)
    }
    return tensor
  }
}
