/// A named tensor of the model that training may change.
///
/// `gradient` is nil until a backward pass reaches the parameter, then accumulates over tapes until ``clearGradient()``.
/// Not `Sendable`: one training loop owns it.
package final class Parameter {
  package let name: String
  package let value: Tensor
  package var gradient: Tensor?
  package var isTrainable: Bool

  package init(name: String, value: Tensor, isTrainable: Bool = false) {
    self.name = name
    self.value = value
    self.isTrainable = isTrainable
  }

  /// Gives the gradient's memory back.
  package func clearGradient() { gradient = nil }

  /// The gradient to add to, zeros at first.
  func gradientForAccumulation() -> Tensor {
    if let gradient { return gradient }
    let zeros = Tensor(shape: value.shape)
    gradient = zeros
    return zeros
  }
}
