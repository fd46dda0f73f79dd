import CTensorKernels

/// A gradient that nodes may have in common until one of them writes to it.
///
/// Who reads all of it, also once the rows are done, holds the buffer in between: so nobody writes to it, and there are
/// not only tiles of it.
final class GradientBuffer {
  let array: RowArray

  init(_ array: RowArray) {
    self.array = array
    array.owner = self
  }

  convenience init(_ tensor: Tensor) { self.init(RowArray(tensor)) }
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

  /// Hands the whole sum over, computed, and forgets it; nil when nothing has reached the node.
  func takeAll(_ program: RowProgram) -> Tensor? {
    guard let buffer = take() else { return nil }
    program.run()
    return withExtendedLifetime(buffer) { buffer.array.tensor }
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
    program.add(rows: sum.rows, [sum, old, more.array]) { [more = more.array] tile in
      add?(sum.first(of: tile), old.first(of: tile), more.first(of: tile), tile.rows.count * columns)
    }
  }

  /// Where an operation writes its share of the gradient; `accumulates` says whether to add to what is there.
  func target(_ program: RowProgram) -> RowTarget {
    guard buffer != nil else {
      let fresh = GradientBuffer(RowArray(shape))
      buffer = fresh
      return (fresh.array, false)
    }
    let (target, old) = own(program)
    if target !== old {
      let columns = target.columns
      program.add(rows: target.rows, [target, old]) { tile in
        target.first(of: tile).update(from: old.first(of: tile), count: tile.rows.count * columns)
      }
    }
    return (target, true)
  }

  /// A buffer that nobody else holds takes the place of this one's: the same where possible.
  private func own(_ program: RowProgram) -> (own: RowArray, old: RowArray) {
    guard let old = buffer?.array else { preconditionFailure("There is no gradient yet") }
    if isKnownUniquelyReferenced(&buffer) { return (old, old) }
    let fresh = GradientBuffer(RowArray(shape))
    buffer = fresh
    return (fresh.array, old)
  }
}

/// A gradient to write, or to add to, by operations on rows.
typealias RowTarget = (array: RowArray, accumulates: Bool)
/// A gradient to write, or to add to, all of it.
typealias GradientTarget = (target: Tensor, accumulates: Bool)
