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

extension PlainAdamW {
  /// Takes a step with each parameter: as it is, or in another way where it is projected.
  ///
  /// - Parameter projected: Takes the step of a projected one, by its place among those; its gradient is scaled already.
  func take(
    _ step: OptimizerStep, _ slots: [ProjectedSlot], on compute: Compute,
    projected: (_ slot: ProjectedSlot, _ place: Int, _ gradient: Tensor) -> Void
  ) {
    compute.wholes(slots) { slot, gradient in
      compute.ranges(gradient.count) { range in for i in range { gradient.pointer[i] *= step.gradientScale } }
      if let place = slot.place { return projected(slot, place, gradient) }
      direction(of: gradient, slot.firstMoment, slot.secondMoment, into: gradient, on: compute)
      change(step, slot.head, by: gradient, on: compute)
    }
  }
}

/// Which singular vectors of a matrix its gradient is projected to, as galore-torch names them.
package enum ProjectionSide: String, CaseIterable, Sendable {
  /// Those on the shorter side.
  case std
  /// Those on the longer side.
  case reverseStd = "reverse_std"
  case right
  case left

  fileprivate func isRight(_ shape: [Int]) -> Bool {
    switch self {
    case .std: shape[0] >= shape[1]
    case .reverseStd: shape[0] < shape[1]
    case .right: true
    case .left: false
    }
  }
}

/// A parameter whose moments are those of a projected gradient, or its own where it is not projected.
struct ProjectedSlot: ParameterSlot {
  let head: SlotHead
  /// Where it stands among those that are projected, from 0; nil where it is not.
  let place: Int?
  /// Whether columns are projected: to `rank` of them; rows otherwise.
  let isRight: Bool
  let firstMoment: Tensor
  let secondMoment: Tensor

  /// Slots for all parameters; matrices inside of the model of which both sides are longer than `rank` are projected, to
  /// `rank` rows or columns in place of a side.
  static func all(_ groups: [ParameterGroup], rank: Int, side: ProjectionSide = .std) -> [ProjectedSlot] {
    var count = 0
    return groups.slots { head in
      var (shape, place, isRight) = (head.value.shape, Int?.none, true)
      if head.isInnerMatrix, shape.allSatisfy({ $0 > rank }) {
        isRight = side.isRight(shape)
        shape = isRight ? [shape[0], rank] : [rank, shape[1]]
        place = count
        count += 1
      }
      return ProjectedSlot(
        head: head, place: place, isRight: isRight, firstMoment: Tensor(shape: shape),
        secondMoment: Tensor(shape: shape))
    }
  }

  /// The length of the side that is projected.
  var length: Int { isRight ? head.value.columns : head.value.rows }

  /// Puts the leading singular vectors of the side that is projected into `vectors`, a row each.
  ///
  /// Of each vector and its negative it is the one for which the largest component on the shorter side is positive.
  func find(_ vectors: Tensor, of gradient: Tensor, on compute: Compute) {
    if isRight == (gradient.rows >= gradient.columns) { return compute.leadingVectors(of: gradient, into: vectors) }
    onElements {
      let triples = SingularTriples(
        of: gradient.buffer.map(Double.init), rows: gradient.rows, columns: gradient.columns, count: vectors.rows)
      for (index, value) in (isRight ? triples.right : triples.left).enumerated() {
        vectors.pointer[index] = Float(value)
      }
    }
  }

  /// A gradient in the space of vectors, a row each.
  func lowered(_ gradient: Tensor, by vectors: Tensor, on compute: Compute) -> Tensor {
    isRight ? compute.product(gradient, vectors, transposesB: true) : compute.product(vectors, gradient)
  }

  /// What ``lowered(_:by:on:)`` gave, or something like it, among the parameter's own elements.
  func raised(_ low: Tensor, by vectors: Tensor, on compute: Compute) -> Tensor {
    isRight ? compute.product(low, vectors) : compute.product(vectors, transposesA: true, low)
  }

  var tensors: [NamedTensor] {
    let name = head.parameter.name
    return [("first_moment.\(name)", firstMoment), ("second_moment.\(name)", secondMoment)]
  }
}
