import Tensors

/// Gives the modules of a model their parameters, matrices and tables while it is made.
final class WeightLoader {
  private let configuration: ModelConfiguration
  private let weights: any WeightSource
  private let compute: Compute
  /// The most positions to prepare.
  private let positions: Int
  /// Whether a tensor is trained, by its Hugging Face name.
  private let trains: (String) -> Bool
  private var tables: [RotaryConfiguration: RotaryTable] = [:]

  init(
    _ configuration: ModelConfiguration, _ weights: any WeightSource, _ compute: Compute, positions: Int,
    trains: @escaping (String) -> Bool
  ) {
    self.configuration = configuration
    self.weights = weights
    self.compute = compute
    self.positions = positions
    self.trains = trains
  }

  /// - Throws: ``WeightError/shape(name:wanted:found:origin:)``, and what the source throws.
  ///
  /// - Parameters:
  ///   - isTransposed: Whether the file has rows and columns exchanged.
  ///   - isConstant: Whether it is never trained.
  func parameter(
    _ role: TensorRole, _ shape: [Int], isTransposed: Bool = false, isConstant: Bool = false
  ) throws -> Parameter {
    let name = configuration.name(of: role)
    let stored = isTransposed ? [Int](shape.reversed()) : shape
    let value = try weights.tensor(named: name, shape: stored)
    guard value.shape == stored else {
      throw WeightError.shape(name: name, wanted: stored, found: value.shape, origin: weights.origin)
    }
    return Parameter(
      name: name, value: isTransposed ? value.transposed() : value, kind: role.kind,
      isTrainable: !isConstant && trains(name))
  }

  func matrix(
    _ role: TensorRole, _ shape: [Int], int8: MatrixWeight.Int8Products = .none, isTransposed: Bool = false
  ) throws -> MatrixWeight {
    try matrix(parameter(role, shape, isTransposed: isTransposed), int8: int8)
  }

  /// - Parameter isShared: Whether the values are used elsewhere too, as those of a tied head.
  func matrix(
    _ parameter: Parameter, int8: MatrixWeight.Int8Products = .none, isShared: Bool = false
  ) throws -> MatrixWeight {
    parameter.isTrainable
      ? try MatrixWeight(trainable: parameter, compute: compute)
      : try MatrixWeight(frozen: parameter.value, compute: compute, int8: int8, isShared: isShared)
  }

  /// The table of a configuration, made once.
  func rotaryTable(_ configuration: RotaryConfiguration) -> RotaryTable {
    if let table = tables[configuration] { return table }
    let table = configuration.table(positions: positions)
    tables[configuration] = table
    return table
  }
}
