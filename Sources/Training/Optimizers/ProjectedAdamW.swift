import Glibc
import Tensors

/// AdamW in the order of operations of transformers' old class, which GaLore and APOLLO build on: epsilon is added before
/// the correction of the bias, and the decay comes after the step.
struct PlainAdamW {
  let beta1: Double
  let beta2: Double
  let epsilon: Double

  /// The direction m ÷ (√v + ε) of a gradient, into `direction`, which may be the gradient.
  func direction(of gradient: Tensor, _ first: Tensor, _ second: Tensor, into direction: Tensor, on compute: Compute) {
    let (old1, new1, old2, new2) = (Float(beta1), Float(1 - beta1), Float(beta2), Float(1 - beta2))
    let epsilon = Float(epsilon)
    compute.ranges(gradient.count) { range in
      for i in range {
        let g = gradient.pointer[i]
        first.pointer[i] = old1 * first.pointer[i] + new1 * g
        second.pointer[i] = old2 * second.pointer[i] + new2 * g * g
        direction.pointer[i] = first.pointer[i] / (second.pointer[i].squareRoot() + epsilon)
      }
    }
  }

  /// What a direction is multiplied with in a step.
  func size(_ step: OptimizerStep, _ head: SlotHead) -> Float {
    let number = Double(step.number)
    return Float(step.learningRate * head.rate * (1 - pow(beta2, number)).squareRoot() / (1 - pow(beta1, number)))
  }

  /// Takes the step, and the decay after it.
  func change(_ step: OptimizerStep, _ head: SlotHead, by direction: Tensor, scale: Float = 1, on compute: Compute) {
    let (size, decay) = (size(step, head) * scale, Float(step.learningRate * head.rate * head.weightDecay))
    let value = head.value
    compute.ranges(value.count) { range in
      for i in range {
        let stepped = value.pointer[i] - size * direction.pointer[i]
        value.pointer[i] = stepped - decay * stepped
      }
    }
  }
}

/// A parameter whose moments are those of a projected gradient, or its own where it is not projected.
struct ProjectedSlot: ParameterSlot {
  let head: SlotHead
  /// Where it stands among those that are projected, from 0; nil where it is not.
  let place: Int?
  let firstMoment: Tensor
  let secondMoment: Tensor

  /// Slots for all parameters; matrices inside of the model of which both sides are longer than `rank` are projected, to
  /// `rank` rows or columns in place of the shorter side.
  static func all(_ groups: [ParameterGroup], rank: Int) -> [ProjectedSlot] {
    var count = 0
    return groups.slots { head in
      var (shape, place) = (head.value.shape, Int?.none)
      if head.isInnerMatrix, shape.allSatisfy({ $0 > rank }) {
        shape = isTall(shape) ? [shape[0], rank] : [rank, shape[1]]
        place = count
        count += 1
      }
      return ProjectedSlot(
        head: head, place: place, firstMoment: Tensor(shape: shape), secondMoment: Tensor(shape: shape))
    }
  }

  static func isTall(_ shape: [Int]) -> Bool { shape[0] >= shape[1] }
  var isTall: Bool { Self.isTall(head.value.shape) }

  var tensors: [NamedTensor] {
    let name = head.parameter.name
    return [("first_moment.\(name)", firstMoment), ("second_moment.\(name)", secondMoment)]
  }
}
