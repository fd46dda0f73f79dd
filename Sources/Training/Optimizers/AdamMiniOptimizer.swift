import Tensors

/// Adam-mini (arXiv:2406.16793) as the package adam-mini: one second moment for many elements.
///
/// A head of queries or keys has one, of every other matrix each row, a norm has one for all; biases have one an element.
package struct AdamMiniSettings: OptimizerSettings, Hashable {
  package static let name = "adam_mini"
  package static let doc =
    "is AdamW with one second moment a head of queries and keys, a row of other matrices, and a norm (arXiv:2406.16793)"

  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8

  package init() {}

  package static let settings: [Setting<Self>] = [
    .betas(\.betas),
    .epsilon(\.epsilon),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { AdamMiniOptimizer(self, groups) }
}

private final class AdamMiniOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let mean: Tensor
    /// One an element of `block` elements.
    let squares: Tensor
    let block: Int

    init(_ head: SlotHead) {
      self.head = head
      let value = head.value
      mean = Tensor(shape: value.shape)
      block =
        switch head.parameter.kind {
        case .bias: 1
        case .norm: max(1, value.count)
        case .embedding: max(1, value.columns)
        case .matrix: max(1, (value.shape.last ?? 1) * (head.parameter.headRows ?? 1))
        }
      squares = Tensor(shape: [(value.count + block - 1) / block])
    }

    var tensors: [NamedTensor] {
      [("first_moment.\(head.parameter.name)", mean), ("second_moment.\(head.parameter.name)", squares)]
    }
  }

  private let settings: AdamMiniSettings
  private let slots: [Slot]

  init(_ settings: AdamMiniSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots(Slot.init)
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (beta1, beta2) = (settings.betas[0], settings.betas[1])
    let adam = AdamStep(step, betas: settings.betas)
    let (new1, old2, new2, epsilon) = (Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(settings.epsilon))
    let scale = step.gradientScale
    compute.wholes(slots) { slot, gradient in
      let (size, decay) = adam.sizes(of: slot.head)
      let (value, mean, block) = (slot.head.value, slot.mean.pointer, slot.block)
      // Blocks are not cut.
      compute.ranges(slot.squares.count, size: max(1, Compute.slotPiece / block)) { range in
        for index in range {
          let elements = index * block..<min(value.count, (index + 1) * block)
          var sum = 0.0
          for i in elements {
            let g = scale * gradient.pointer[i]
            sum += Double(g) * Double(g)
          }
          let square = old2 * slot.squares.pointer[index] + new2 * Float(sum / Double(elements.count))
          slot.squares.pointer[index] = square
          let divisor = square.squareRoot() / adam.root + epsilon
          for i in elements {
            mean[i] += new1 * (scale * gradient.pointer[i] - mean[i])
            value.pointer[i] = value.pointer[i] * decay - size * mean[i] / divisor
          }
        }
      }
    }
  }
}
