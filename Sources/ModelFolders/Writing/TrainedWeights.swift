import LanguageModels
import Tensors

/// The tensors of a model in memory as they are to be written: what training left, an adapter merged.
package struct TrainedWeights: WeightSource {
  private let model: LanguageModel
  private let tensors: [String: TensorSpecification]
  package let origin: String

  /// - Parameter origin: What messages call the model.
  package init(_ model: LanguageModel, origin: String) {
    self.model = model
    self.origin = origin
    tensors = model.configuration.tensorsByName
  }

  package func has(_ name: String) -> Bool { tensors[name] != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let specification = tensors[name] else { throw WeightError.unknown(name: name) }
    let tensor = try model.mergedTensor(specification.role)
    guard tensor.shape == shape else {
      throw WeightError.shape(name: name, wanted: shape, found: tensor.shape, origin: origin)
    }
    return tensor
  }
}
