extension Variable {
  /// Hands the summed gradient over and forgets it; nil when nothing has reached the variable.
  func takeGradient() -> Tensor? {
    defer { gradient = nil }
    return gradient
  }

  /// Adds `more` to the gradient.
  ///
  /// The tensor may be kept: nobody writes to it afterwards while others hold it.
  func accumulate(_ more: Tensor, _ compute: Compute) {
    guard needsGradient else { return }
    let ownsGradient = isKnownUniquelyReferenced(&gradient)
    if let old = gradient {
      if ownsGradient { compute.add(old, more, into: old) } else { gradient = compute.sum(old, more) }
    } else {
      gradient = more
    }
  }

  /// Where an operation writes its share of the gradient; `accumulates` says whether to add to what is there.
  func gradientTarget() -> (target: Tensor, accumulates: Bool) {
    if isKnownUniquelyReferenced(&gradient), let gradient { return (gradient, true) }
    let target = gradient?.copy() ?? Tensor(uninitialized: value.shape)
    defer { gradient = target }
    return (target, gradient != nil)
  }
}
