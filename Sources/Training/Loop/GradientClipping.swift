import LanguageModels
import Tensors

extension Compute {
  /// Brings every element of every gradient between −`most` and `most`, as torch's `clip_grad_value_`.
  func clampGradients(_ parameters: [Parameter], to most: Float) {
    for gradient in parameters.compactMap(\.gradient) {
      ranges(gradient.count) { range in
        let g = gradient.pointer
        for i in range { g[i] = min(most, max(-most, g[i])) }
      }
    }
  }
}

extension TrainingLoop {
  /// Clips the gradients of a step, element by element and then together.
  ///
  /// - Parameter norm: Their norm before.
  /// - Returns: What the optimizer multiplies them with.
  func clip(norm: Double) -> Float {
    var norm = norm
    if let most = settings.maxGradValue {
      model.compute.clampGradients(parameters, to: Float(most))
      if settings.maxGradNorm != nil { norm = model.compute.gradientNorm(parameters) }
    }
    return settings.maxGradNorm.map { gradientClipScale(norm: norm, maximum: $0) } ?? 1
  }
}
