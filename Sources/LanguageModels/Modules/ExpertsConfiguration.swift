import Tensors

/// A mixture of experts in place of a feed-forward part, as data: a router sends each token to a few of many small
/// feed-forward parts (arXiv:1701.06538).
package struct ExpertsConfiguration: Sendable, Hashable {
  /// How files hold the maps of the experts.
  package enum Storage: Sendable, Hashable {
    /// Tensors of their own, named `prefix.number.gate` and so on.
    case each(prefix: String, gate: String, up: String, down: String)
    /// All experts in one tensor [E, 2F, C], the rows of the gate first, and one [E, C, F].
    case stacked(input: String, output: String)
    /// All experts in one tensor [E, C, 2F], whose even columns are the gate, and one [E, F, C], with biases [E, 2F] and
    /// [E, C] named `…_bias`.
    case interleaved(input: String, output: String)
  }

  /// [E, C], perhaps with a bias.
  package var router: LinearConfiguration
  /// E.
  package var count: Int
  /// F, of an expert.
  package var size: Int
  package var function: GatedActivation
  package var storage: Storage
  package var rule: RoutingRule
  /// What is added to the scores for the choice: the tensor's name and its shape of E numbers.
  package var correction: Correction?
  /// A part that every token goes to.
  package var shared: FeedForwardConfiguration?
  /// What the shared part is multiplied by: σ of one number.
  package var sharedGate: LinearConfiguration?

  package struct Correction: Sendable, Hashable {
    package var name: String
    package var suffix: String
    package var shape: [Int]

    package init(_ name: String, suffix: String = "", shape: [Int]) {
      self.name = name
      self.suffix = suffix
      self.shape = shape
    }

    func role(layer: Int) -> TensorRole { TensorRole(.block(name, layer: layer), suffix, .bias) }
  }

  /// - Parameters:
  ///   - width: C.
  ///   - router: The router's name in a block.
  package init(
    width: Int, count: Int, size: Int, router: String, routerHasBias: Bool = false, storage: Storage,
    function: GatedActivation = .silu, rule: RoutingRule
  ) {
    self.router = LinearConfiguration(
      router, inputs: width, outputs: count, hasBias: routerHasBias, int8Products: .none)
    self.count = count
    self.size = size
    self.function = function
    self.storage = storage
    self.rule = rule
  }

  /// C.
  var width: Int { router.inputs }

  /// The maps that adapters may stand beside: those of the shared part.
  package var maps: [LinearConfiguration] { shared?.maps ?? [] }

  /// Every tensor but those of ``maps``.
  func tensors(layer: Int) -> [(role: TensorRole, shape: [Int])] {
    router.tensors(layer: layer) + (sharedGate?.tensors(layer: layer) ?? [])
      + (correction.map { [($0.role(layer: layer), $0.shape)] } ?? []) + storedExperts(layer: layer)
  }

  private func storedExperts(layer: Int) -> [(role: TensorRole, shape: [Int])] {
    switch storage {
    case .each(let prefix, let gate, let up, let down):
      return (0..<count).flatMap { expert in
        [(gate, [size, width]), (up, [size, width]), (down, [width, size])].map {
          (.weight("\(prefix).\(expert).\($0.0)", layer: layer), $0.1)
        }
      }
    case .stacked(let input, let output):
      return [
        (.weight(input, layer: layer), [count, 2 * size, width]),
        (.weight(output, layer: layer), [count, width, size]),
      ]
    case .interleaved(let input, let output):
      return [(input, width, 2 * size), (output, size, width)].flatMap { name, inputs, outputs in
        [
          (TensorRole(.block(name, layer: layer), "", .matrix), [count, inputs, outputs]),
          (TensorRole(.block(name + "_bias", layer: layer), "", .bias), [count, outputs]),
        ]
      }
    }
  }
}
