/// A value that an operation made on a ``Tape``.
package final class Variable {
  /// Where the derivative gathers of what ``Tape/backward(from:gradient:)`` starts at; nil when nothing below can be
  /// trained or the tape does not record, and then no backward work exists.
  let node: GradientNode?
  /// The value, perhaps not computed yet: for operations that add their own work to the same program, which may then be
  /// all that ever sees it.
  let stored: RowArray
  private let program: RowProgram?

  /// The value; computes what waits.
  package var value: Tensor {
    program?.run()
    return stored.tensor
  }

  /// The number of rows, without computing them.
  package var rows: Int { stored.rows }

  package var needsGradient: Bool { node != nil }

  /// A value that is there.
  package init(_ value: Tensor, needsGradient: Bool = false) {
    stored = RowArray(value)
    program = nil
    node = needsGradient ? GradientNode(shape: value.shape) : nil
  }

  /// A value that `program` will compute.
  init(_ shape: [Int], of program: RowProgram, needsGradient: Bool) {
    stored = RowArray(shape)
    self.program = program
    node = needsGradient ? GradientNode(shape: shape) : nil
    stored.owner = self
  }
}
