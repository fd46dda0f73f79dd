import Tensors

/// Gives the modules of a model their parameters, matrices and tables while it is made.
final class WeightLoader {
  private let configuration: ModelConfiguration
  private let weights: any WeightSource
  private let compute: Compute
  private let plan: PrecisionPlan
  /// The most positions to prepare.
  private let positions: Int
  /// Whether a tensor is trained, by its Hugging Face name.
  private let trains: (String) -> Bool
  /// The files that weights are read from as long as the model lives.
  private(set) var files: [StoredBytes] = []
  private var tables: [RotaryConfiguration: RotaryTable] = [:]

  init(
    _ configuration: ModelConfiguration, _ weights: any WeightSource, _ compute: Compute, _ plan: PrecisionPlan,
    positions: Int, trains: @escaping (String) -> Bool
  ) {
    self.configuration = configuration
    self.weights = weights
    self.compute = compute
    self.plan = plan
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
      isTrainable: !isConstant && isTrained(role))
  }

  func matrix(
    _ role: TensorRole, _ shape: [Int], int8: MatrixWeight.Int8Products = .none, isTransposed: Bool = false
  ) throws -> MatrixWeight {
    // What takes no bytes in the int8 class stands no rounding.
    if let held = try held(role, shape, mayRound: int8 != .none, isTransposed: isTransposed) {
      return MatrixWeight(stored: held, compute: compute)
    }
    return try matrix(parameter(role, shape, isTransposed: isTransposed), int8: int8)
  }

  /// - Parameter isShared: Whether the values are used elsewhere too, as those of a tied head.
  func matrix(
    _ parameter: Parameter, int8: MatrixWeight.Int8Products = .none, isShared: Bool = false
  ) throws -> MatrixWeight {
    if parameter.isTrainable { return try MatrixWeight(trainable: parameter, compute: compute) }
    if !isShared, let held = try plan.held(parameter.value, mayRound: int8 != .none, compute) {
      return MatrixWeight(stored: held, compute: compute)
    }
    return try MatrixWeight(frozen: parameter.value, compute: compute, int8: int8, isShared: isShared)
  }

  /// A table of rows, such as the vocabulary's.
  func table(_ role: TensorRole, _ shape: [Int]) throws -> WeightTable {
    if let held = try held(role, shape, mayRound: false) { return .stored(held) }
    return .parameter(try parameter(role, shape))
  }

  /// The matrix whose rows a table has: a head that is tied to it.
  func matrix(tied table: WeightTable) throws -> MatrixWeight {
    switch table {
    case .parameter(let parameter): try matrix(parameter, isShared: true)
    case .stored(let weight): MatrixWeight(stored: weight, compute: compute)
    }
  }

  /// Whether the source gives a part of a tensor by itself.
  func hasPart(_ role: TensorRole) -> Bool { weights.hasPart(configuration.name(of: role)) }

  /// Parts are trained where the whole is.
  private func isTrained(_ role: TensorRole) -> Bool { trains(configuration.name(of: role.whole)) }

  /// A frozen matrix in the form that the plan says; nil where it is trained, or to be packed.
  private func held(
    _ role: TensorRole, _ shape: [Int], mayRound: Bool, isTransposed: Bool = false
  ) throws -> (any StoredWeight)? {
    let name = configuration.name(of: role)
    let form = plan.form(mayRound: mayRound)
    guard form != .packed, !isTrained(role) else { return nil }
    let asInFile = isTransposed ? [Int](shape.reversed()) : shape
    if form == .stored, let stored = try weights.stored(named: name, shape: asInFile, transposed: isTransposed) {
      for bytes in stored.storage where !files.contains(where: { $0.owner === bytes.owner }) { files.append(bytes) }
      return stored
    }
    return try plan.held(
      parameter(role, shape, isTransposed: isTransposed).value, mayRound: mayRound, compute)
  }

  /// The table of a configuration, made once.
  func rotaryTable(_ configuration: RotaryConfiguration) -> RotaryTable {
    if let table = tables[configuration] { return table }
    let table = configuration.table(positions: positions)
    tables[configuration] = table
    return table
  }
}
