import Glibc
import Tensors

/// Muon (Jordan and others 2024) as `torch.optim.Muon`, its Newton-Schulz steps in f32; what is no matrix inside of the model is
/// trained by AdamW.
package struct MuonSettings: OptimizerSettings, Hashable {
  /// What the rate of a matrix is multiplied with.
  package enum Adjustment: String, CaseIterable, Sendable {
    case original
    case adamw = "match_rms_adamw"
  }

  package static let name = "muon"
  package static let doc =
    "makes the momentum of every matrix inside of the model orthogonal (Jordan and others 2024); embeddings, head, norms and "
    + "biases are trained by AdamW"

  package var momentum = 0.95
  package var isNesterov = true
  package var steps = 5
  package var adjustment = Adjustment.adamw
  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("momentum", \.momentum, .decay, doc: "How much of a matrix's momentum goes on"),
    .flag("nesterov", \.isNesterov, doc: "Looks one step of the momentum ahead"),
    .count("ns_steps", \.steps, SettingRange(lower: 1, upper: 100), doc: "Newton-Schulz steps"),
    .choice(
      "adjust_lr_fn", \.adjustment,
      doc:
        "`match_rms_adamw` makes changes of a matrix as large as AdamW's (arXiv:2502.16982), so that one rate serves "
        + "both; `original` goes by the shape alone"),
    .numbers("betas", \.betas, .decay, count: 2, doc: "AdamW's, for what is no matrix"),
    .number("epsilon", \.epsilon, .atLeast(0), doc: "AdamW's, for what is no matrix"),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { MuonOptimizer(self, groups) }
}

private final class MuonOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let momentum: Tensor

    var tensors: [NamedTensor] { [("momentum.\(head.parameter.name)", momentum)] }
  }

  private let settings: MuonSettings
  private let slots: [Slot]
  private let rest: any Optimizer

  init(_ settings: MuonSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.filter(\.isInnerMatrix).slots { Slot(head: $0, momentum: Tensor(shape: $0.value.shape)) }
    var adamW = AdamWSettings()
    (adamW.betas, adamW.epsilon) = (settings.betas, settings.epsilon)
    rest = adamW.optimizer(for: groups.filter { !$0.isInnerMatrix })
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) + rest.tensors }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (old, new) = (Float(settings.momentum), Float(1 - settings.momentum))
    let scale = step.gradientScale
    compute.wholes(slots) { slot, gradient in
      let value = slot.head.value
      compute.ranges(value.count) { range in
        for i in range {
          let g = scale * gradient.pointer[i]
          let m = old * slot.momentum.pointer[i] + new * g
          slot.momentum.pointer[i] = m
          gradient.pointer[i] = settings.isNesterov ? new * g + old * m : m
        }
      }
      let direction = orthogonal(gradient, on: compute)
      let rate = step.learningRate * slot.head.rate
      let (rows, columns) = (Double(value.rows), Double(value.columns))
      let adjusted =
        switch settings.adjustment {
        case .original: rate * max(1, rows / columns).squareRoot()
        case .adamw: rate * 0.2 * max(rows, columns).squareRoot()
        }
      let (size, decay) = (Float(adjusted), Float(1 - rate * slot.head.weightDecay))
      compute.ranges(value.count) { range in
        for i in range { value.pointer[i] = value.pointer[i] * decay - size * direction.pointer[i] }
      }
    }
    rest.take(step, on: compute)
  }

  /// About U Vᵀ of x = U S Vᵀ: Newton-Schulz steps of a polynomial of degree five, with the shorter side first.
  private func orthogonal(_ x: Tensor, on compute: Compute) -> Tensor {
    let isTall = x.rows > x.columns
    var y = isTall ? x.transposed() : x.copy()
    let norm = compute.sum(y.count) { squares(y.pointer, $0) }.squareRoot()
    let factor = Float(1 / max(norm, 1e-7))
    compute.ranges(y.count) { range in for i in range { y.pointer[i] *= factor } }
    for _ in 0..<settings.steps {
      let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
      let gram = compute.product(y, y, transposesB: true)
      let polynomial = compute.product(gram, gram, scale: c)
      compute.ranges(gram.count) { range in
        for i in range { polynomial.pointer[i] += b * gram.pointer[i] }
      }
      let next = compute.product(polynomial, y)
      let old = y
      compute.ranges(next.count) { range in for i in range { next.pointer[i] += a * old.pointer[i] } }
      y = next
    }
    return isTall ? y.transposed() : y
  }
}
