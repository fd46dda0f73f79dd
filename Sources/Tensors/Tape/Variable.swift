/// A value that an operation made on a ``Tape``.
///
/// `needsGradient` is false when nothing below it can be trained or the tape does not record; then no backward work
/// exists for it.
package final class Variable {
  package let value: Tensor
  package let needsGradient: Bool
  /// The derivative of what ``Tape/backward(from:gradient:)`` started at, as far as it has been summed up.
  var gradient: Tensor?

  package init(_ value: Tensor, needsGradient: Bool = false) {
    self.value = value
    self.needsGradient = needsGradient
  }
}
