import CTensorKernels

/// A gradient that nodes may have in common until one of them writes to it.
///
/// Work that reads it after all rows are done holds the buffer, so that nobody writes to it in between.
final class GradientBuffer {
  let tensor: Tensor

  init(_ tensor: Tensor) { self.tensor = tensor }
}

/// Where the derivative with respect to a variable is summed up.
///
/// The numbers may wait in a ``RowProgram``; work that is not a part of it runs the program before it reads them.
final class GradientNode {
  let shape: [Int]
  private var buffer: GradientBuffer?

  init(shape: [Int]) { self.shape = shape }

  /// Hands the sum over and forgets it; nil when nothing has reached the node.
  func take() -> GradientBuffer? {
    defer { buffer = nil }
    return buffer
  }

  /// Adds `more`, which may be kept and shared.
  func accumulate(_ more: GradientBuffer, _ program: RowProgram) {
    guard buffer != nil else {
      buffer = more
      return
    }
    let (sum, old) = own(program)
    let columns = sum.columns
    let add = program.compute.kernels.functions.pointee.add
    program.add(rows: sum.rows) { rows in
      let start = rows.lowerBound * columns
      add?(sum.pointer + start, old.pointer + start, more.tensor.pointer + start, rows.count * columns)
    }
  }

  /// Where an operation writes its share of the gradient; `accumulates` says whether to add to what is there.
  func target(_ program: RowProgram) -> GradientTarget {
    guard buffer != nil else {
      let fresh = GradientBuffer(Tensor(uninitialized: shape))
      buffer = fresh
      return (fresh.tensor, false)
    }
    let (target, old) = own(program)
    if target !== old {
      let columns = target.columns
      program.add(rows: target.rows) { rows in
        let start = rows.lowerBound * columns
        (target.pointer + start).update(from: old.pointer + start, count: rows.count * columns)
      }
    }
    return (target, true)
  }

  /// A buffer that nobody else holds takes the place of this one's: the same where possible.
  private func own(_ program: RowProgram) -> (own: Tensor, old: Tensor) {
    guard let old = buffer?.tensor else { preconditionFailure("There is no gradient yet") }
    if isKnownUniquelyReferenced(&buffer) { return (old, old) }
    let fresh = GradientBuffer(Tensor(uninitialized: shape))
    buffer = fresh
    return (fresh.tensor, old)
  }
}

/// A gradient to write, or to add to.
typealias GradientTarget = (target: Tensor, accumulates: Bool)
