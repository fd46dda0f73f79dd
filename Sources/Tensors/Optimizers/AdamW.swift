import CTensorKernels
import Glibc

/// The constants of AdamW (Loshchilov and Hutter 2019), in the order of operations of torch.optim.AdamW.
package struct AdamW: Sendable, Hashable {
  package var learningRate: Double
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double

  package init(learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }
}

/// A parameter with its moments; both start at zero.
package struct AdamWSlot {
  package let parameter: Parameter
  /// The running mean of the gradient.
  package let firstMoment: Tensor
  /// The running mean of its square.
  package let secondMoment: Tensor
  /// 0 for parameters that do not decay.
  package let weightDecay: Double

  package init(parameter: Parameter, weightDecay: Double) {
    self.parameter = parameter
    self.weightDecay = weightDecay
    firstMoment = Tensor(shape: parameter.value.shape)
    secondMoment = Tensor(shape: parameter.value.shape)
  }
}

extension Compute {
  /// One AdamW step for every slot whose parameter has a gradient, in one pass over memory.
  ///
  /// - `step`: counts from 1.
  /// - `gradientScale`: what gradients are multiplied with on the way; see ``gradientClipScale(norm:maximum:)``.
  package func update(_ slots: [AdamWSlot], with adamW: AdamW, step: Int, gradientScale: Float = 1) {
    precondition(step > 0, "AdamW counts its steps from 1")
    onElements { work(on: slots, adamW, step, gradientScale) }
  }

  private func work(on slots: [AdamWSlot], _ adamW: AdamW, _ step: Int, _ gradientScale: Float) {
    let correction1 = 1 - pow(adamW.beta1, Double(step))
    let correction2 = 1 - pow(adamW.beta2, Double(step))
    var work: [() -> Void] = []
    for slot in slots {
      guard let gradient = slot.parameter.gradient else { continue }
      let numbers = tk_adamw(
        gradient_scale: gradientScale, decay: Float(1 - adamW.learningRate * slot.weightDecay),
        one_minus_beta1: Float(1 - adamW.beta1), beta2: Float(adamW.beta2), one_minus_beta2: Float(1 - adamW.beta2),
        step_size: Float(adamW.learningRate / correction1), root_correction2: Float(correction2.squareRoot()),
        epsilon: Float(adamW.epsilon))
      let value = slot.parameter.value
      for start in stride(from: 0, to: value.count, by: Compute.optimizerTile) {
        work.append { [kernels] in
          var numbers = numbers
          kernels.functions.pointee.adamw(
            value.pointer + start, slot.firstMoment.pointer + start, slot.secondMoment.pointer + start,
            gradient.pointer + start, min(Compute.optimizerTile, value.count - start), &numbers)
        }
      }
    }
    together(work)
  }

  /// The Euclidean norm of all gradients together; squares are summed in double in the order of the tiles.
  package func gradientNorm(_ parameters: [Parameter]) -> Double {
    var pieces: [(pointer: UnsafeMutablePointer<Float>, count: Int)] = []
    onElements {
      for gradient in parameters.compactMap(\.gradient) {
        for start in stride(from: 0, to: gradient.count, by: Compute.optimizerTile) {
          pieces.append((gradient.pointer + start, min(Compute.optimizerTile, gradient.count - start)))
        }
      }
    }
    var sums = [Double](repeating: 0, count: pieces.count)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      pool.tiles(pieces.count) { index in
        sums[index] = kernels.functions.pointee.sum_squares(pieces[index].pointer, pieces[index].count)
      }
    }
    return sums.reduce(0, +).squareRoot()
  }

  /// Elements of a parameter that one tile updates.
  private static var optimizerTile: Int { 1 << 16 }
}

/// min(1, maximum / (norm + 10⁻⁶)), as torch.nn.utils.clip_grad_norm_ scales gradients.
package func gradientClipScale(norm: Double, maximum: Double) -> Float {
  Float(min(1, maximum / (norm + 1e-6)))
}
