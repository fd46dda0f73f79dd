import Tensors

/// Gives the modules of a model their parameters and matrices while it is made.
struct WeightLoader {
  let configuration: ModelConfiguration
  let weights: any WeightSource
  let compute: Compute
  /// Whether a tensor is trained, by its Hugging Face name.
  let trains: (String) -> Bool

  /// - Throws: ``WeightError/shape(name:wanted:found:origin:)``, and what the source throws.
  func parameter(_ role: TensorRole, _ shape: [Int]) throws -> Parameter {
    let name = configuration.name(of: role)
    let value = try weights.tensor(named: name, shape: shape)
    guard value.shape == shape else {
      throw WeightError.shape(name: name, wanted: shape, found: value.shape, origin: weights.origin)
    }
    return Parameter(name: name, value: value, kind: role.parameterKind, isTrainable: trains(name))
  }

  func matrix(_ role: TensorRole, _ shape: [Int], int8: MatrixWeight.Int8Products = .none) throws -> MatrixWeight {
    try matrix(parameter(role, shape), int8: int8)
  }

  /// - Parameter isShared: Whether the values are used elsewhere too, as those of a tied head.
  func matrix(
    _ parameter: Parameter, int8: MatrixWeight.Int8Products = .none, isShared: Bool = false
  ) throws -> MatrixWeight {
    parameter.isTrainable
      ? try MatrixWeight(trainable: parameter, compute: compute)
      : try MatrixWeight(frozen: parameter.value, compute: compute, int8: int8, isShared: isShared)
  }
}
