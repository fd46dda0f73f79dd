import LanguageModels
import Tensors

/// The tensors of a model in memory as they are to be written: what training left, an adapter merged.
package struct TrainedWeights: WeightSource {
  private let model: LanguageModel
  private let names: Set<String>
  package let origin: String

  /// - Parameter origin: What messages call the model.
  package init(_ model: LanguageModel, origin: String) {
    self.model = model
    self.origin = origin
    names = Set(model.configuration.tensors.map(\.name))
  }

  package func has(_ name: String) -> Bool { names.contains(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let tensor = try model.mergedTensor(named: name)
    guard tensor.shape == shape else {
      throw WeightError.shape(name: name, wanted: shape, found: tensor.shape, origin: origin)
    }
    return tensor
  }
}
