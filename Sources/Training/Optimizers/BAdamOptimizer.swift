import Tensors

/// BAdam (arXiv:2404.02827): AdamW on one block of layers after another, each from fresh moments.
package struct BAdamSettings: OptimizerSettings, Hashable {
  /// In which order blocks are trained.
  package enum Order: String, CaseIterable, Sendable {
    case ascending
    case descending
    case random
  }

  package static let name = "badam"
  package static let doc =
    "is AdamW on one layer after another, so that gradients and moments are those of one (arXiv:2404.02827); what stands "
    + "outside of the layers is not trained"

  package var interval = 50
  package var order = Order.random
  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("switch_every", \.interval, .atLeast(1), unit: "steps", doc: "How long a layer is trained at a time"),
    .choice("switch_mode", \.order, doc: "In which order layers are trained; `random` takes each once a round"),
    .betas(\.betas),
    .epsilon(\.epsilon),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { BAdamOptimizer(self, groups) }
}

private final class BAdamOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    /// Where its moments begin.
    let start: Int
    var tensors: [NamedTensor] { [] }
  }

  private let settings: BAdamSettings
  private let all: [SlotHead]
  /// The parameters of each layer, in the order of the layers.
  private let blocks: [[SlotHead]]
  /// The moments of the block that is trained, one parameter after the other; as long as the largest block.
  private let first: Tensor
  private let second: Tensor

  init(_ settings: BAdamSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    all = groups.slots { $0 }
    let layers = Dictionary(grouping: all.filter { $0.parameter.layer != nil }) { $0.parameter.layer ?? 0 }
    blocks = layers.sorted { $0.key < $1.key }.map(\.value)
    let most = blocks.map { $0.reduce(0) { $0 + $1.value.count } }.max() ?? 0
    (first, second) = (Tensor(shape: [most]), Tensor(shape: [most]))
  }

  var tensors: [NamedTensor] { [("block.first_moment", first), ("block.second_moment", second)] }

  /// The block of a step, which counts from 1.
  private func block(_ step: Int) -> [SlotHead] {
    guard !blocks.isEmpty else { return [] }
    let turn = (step - 1) / settings.interval
    let (round, place) = (turn / blocks.count, turn % blocks.count)
    switch settings.order {
    case .ascending: return blocks[place]
    case .descending: return blocks[blocks.count - 1 - place]
    case .random:
      var random = CounterRandom(key: RandomKey(seed: 0x4241_6461).child(UInt64(round)))
      return blocks[random.permutation(blocks.count)[place]]
    }
  }

  func prepare(step: Int) {
    let trained = Set(block(step).map { ObjectIdentifier($0.parameter) })
    for head in all { head.parameter.isTrainable = trained.contains(ObjectIdentifier(head.parameter)) }
    guard (step - 1) % settings.interval == 0 else { return }
    onElements { for moment in [first, second] { moment.pointer.update(repeating: 0, count: moment.count) } }
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (beta1, beta2) = (settings.betas[0], settings.betas[1])
    // The moments of each turn begin at zero.
    var ofTurn = step
    ofTurn.number = (step.number - 1) % settings.interval + 1
    let adam = AdamStep(ofTurn, betas: settings.betas)
    let (new1, old2, new2, epsilon) = (Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(settings.epsilon))
    let scale = step.gradientScale
    var slots: [Slot] = []
    var start = 0
    for head in block(step.number) {
      slots.append(Slot(head: head, start: start))
      start += head.value.count
    }
    compute.elementwise(slots) { slot, gradient, range in
      let (size, decay) = adam.sizes(of: slot.head)
      let (value, m, v) = (slot.head.value.pointer, first.pointer + slot.start, second.pointer + slot.start)
      for i in range {
        let g = scale * gradient[i]
        m[i] += new1 * (g - m[i])
        v[i] = old2 * v[i] + new2 * g * g
        value[i] = value[i] * decay - size * m[i] / (v[i].squareRoot() / adam.root + epsilon)
      }
    }
  }

  func show(_ weights: ShownWeights) {
    // Whoever looks at the result looks at all of it.
    if weights == .result { for head in all { head.parameter.isTrainable = true } }
  }
}
