import Glibc
import Tensors

/// AdamW whose moments are kept in bfloat16 and, where wanted, weights too, with what rounding lost added to the next step.
package struct AdamWBF16Settings: OptimizerSettings, Hashable {
  /// What weights are rounded to.
  package enum Weights: String, CaseIterable, Sendable {
    case f32
    case bf16
  }

  package static let name = "adamw_bf16"
  package static let doc =
    "is AdamW with moments in bfloat16; with `weights: bf16` a Kahan sum keeps what rounding loses"

  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8
  package var weights = Weights.f32
  package var second = Weights.bf16

  package init() {}

  package static let settings: [Setting<Self>] = [
    .betas(\.betas),
    .epsilon(\.epsilon),
    .choice(
      "weights", \.weights,
      doc:
        "What weights are rounded to in each step; `bf16` is for models that are published so, and keeps what is lost"),
    .choice(
      "second_moment", \.second,
      doc: "Its mean of squares rounds to itself in bfloat16 once beta2 is near 1: `f32` keeps it whole"),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { AdamWBF16Optimizer(self, groups) }
}

private final class AdamWBF16Optimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let first: PackedState<UInt16>
    let second: PackedState<UInt16>?
    let wholeSecond: Tensor?
    /// What rounding the weights has lost; nothing where they are not rounded.
    let lost: PackedState<UInt16>?

    var tensors: [NamedTensor] {
      let name = head.parameter.name
      return [("first_moment.\(name)", first.tensor)]
        + [second?.tensor, wholeSecond].compactMap { $0 }.map { ("second_moment.\(name)", $0) }
        + (lost.map { [("lost.\(name)", $0.tensor)] } ?? [])
    }
  }

  private let settings: AdamWBF16Settings
  private let slots: [Slot]

  init(_ settings: AdamWBF16Settings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots { head in
      let count = head.value.count
      return Slot(
        head: head, first: PackedState(count: count),
        second: settings.second == .bf16 ? PackedState(count: count) : nil,
        wholeSecond: settings.second == .f32 ? Tensor(shape: head.value.shape) : nil,
        lost: settings.weights == .bf16 ? PackedState(count: count) : nil)
    }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func prepare(step: Int) {
    // Weights are what they will be kept as from the first gradient on.
    guard step == 1, settings.weights == .bf16 else { return }
    onElements {
      for slot in slots {
        let value = slot.head.value
        for i in 0..<value.count { value.pointer[i] = float(bfloat16(value.pointer[i])) }
      }
    }
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (beta1, beta2) = (settings.betas[0], settings.betas[1])
    let correction1 = 1 - pow(beta1, Double(step.number))
    let root2 = Float((1 - pow(beta2, Double(step.number))).squareRoot())
    let (newFirst, oldSecond, newSecond) = (Float(1 - beta1), Float(beta2), Float(1 - beta2))
    let epsilon = Float(settings.epsilon)
    let scale = step.gradientScale
    compute.elementwise(slots) { slot, gradient, range in
      let rate = step.learningRate * slot.head.rate
      let (size, decay) = (Float(rate / correction1), Float(rate * slot.head.weightDecay))
      let (value, first) = (slot.head.value.pointer, slot.first.pointer)
      let (second, whole, lost) = (slot.second?.pointer, slot.wholeSecond?.pointer, slot.lost?.pointer)
      for i in range {
        let g = scale * gradient[i]
        let oldMean = float(first[i])
        let m = oldMean + newFirst * (g - oldMean)
        first[i] = bfloat16(m)
        let oldSquare = second.map { float($0[i]) } ?? whole?[i] ?? 0
        let v = oldSecond * oldSquare + newSecond * g * g
        if let second { second[i] = bfloat16(v) } else { whole?[i] = v }
        let p = value[i]
        let change = -size * m / (v.squareRoot() / root2 + epsilon) - decay * p
        if let lost {
          let wanted = change + float(lost[i])
          let new = float(bfloat16(p + wanted))
          lost[i] = bfloat16(wanted - (new - p))
          value[i] = new
        } else {
          value[i] = p + change
        }
      }
    }
  }
}
