/// A named tensor of the model that training may change.
///
/// `gradient` is nil until a backward pass reaches the parameter, then accumulates over tapes until ``clearGradient()``.
/// Not `Sendable`: one training loop owns it.
package final class Parameter {
  /// What a parameter is in its model: weight decay and optimizers treat the kinds differently.
  package enum Kind: Sendable, Hashable {
    case matrix
    case norm
    case bias
    case embedding
  }

  package let name: String
  package let kind: Kind
  package let value: Tensor
  package var gradient: Tensor?
  package var isTrainable: Bool
  /// How many of its rows are one head's, of a map to queries or keys; nil of others.
  package var headRows: Int?

  package init(name: String, value: Tensor, kind: Kind = .matrix, isTrainable: Bool = false) {
    self.name = name
    self.kind = kind
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
