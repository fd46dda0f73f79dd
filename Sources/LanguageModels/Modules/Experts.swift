import Tensors

/// A mixture of experts with its weights.
package struct Experts {
  package let configuration: ExpertsConfiguration
  private let router: Linear
  private let correction: Parameter?
  private let experts: [Expert]
  private(set) var shared: FeedForward?
  private let sharedGate: Linear?

  init(_ configuration: ExpertsConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    router = try Linear(configuration.router, layer: layer, loader)
    correction = try configuration.correction.map {
      // A rule outside of gradients moves it where it is moved at all.
      try loader.parameter($0.role(layer: layer), $0.shape, isConstant: true)
    }
    experts = try ExpertStorage(configuration, layer: layer).load(loader)
    shared = try configuration.shared.map { try FeedForward($0, layer: layer, loader) }
    sharedGate = try configuration.sharedGate.map { try Linear($0, layer: layer, loader) }
  }

  func callAsFunction(_ tape: Tape, _ x: Variable) -> Variable {
    let (chosen, weights) = tape.route(
      tape.project(x, router)[0], configuration.rule, correction: correction?.value)
    var y = tape.experts(x, chosen: chosen, weights: weights, experts, configuration.function)
    if let shared {
      var more = tape.project(shared.inner(tape, x), shared.down)[0]
      if let sharedGate { more = tape.gateRows(more, by: tape.project(x, sharedGate)[0]) }
      y = tape.add(y, more)
    }
    return y
  }

  /// Every parameter but those of the maps.
  var parameters: [Parameter] {
    router.parameters + (sharedGate?.parameters ?? []) + [correction].compactMap { $0 }
      + experts.flatMap(\.parameters)
  }

  /// The maps that adapters may stand beside.
  var maps: [Linear] { shared?.maps ?? [] }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows { try shared?.updateMaps(update) }

  /// The stored tensors that are made of matrices, with what makes each: nil where only roundings of a matrix are left.
  func stored(layer: Int) -> [(role: TensorRole, make: () -> Tensor?)] {
    var all: [(role: TensorRole, make: () -> Tensor?)] = [router, sharedGate].compactMap { $0 }.map { map in
      (.weight(map.configuration.name, layer: layer), { map.projection.weight.value })
    }
    all += ExpertStorage(configuration, layer: layer).stored(experts)
    return all
  }
}
