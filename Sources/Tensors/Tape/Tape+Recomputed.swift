/// Gradient checkpointing (Chen et al. 2016).
extension Tape {
  /// Runs `body` and keeps of all that it computes from x only x and the result; the backward pass runs it again.
  ///
  /// Loss and gradients are the same bits as without: the second run repeats the first one's arithmetic and dropout, and
  /// its gradients are added where and when those of a recorded run would be. Cost: one more forward pass of `body`, but
  /// for its ``withoutRecomputation(_:)``. Memory: x until the backward pass gets here, then for a moment what `body` saves.
  /// - Parameters:
  ///   - x: All that `body` computes with besides parameters.
  ///   - when: Whether it is done at all; otherwise `body` is recorded as it stands.
  ///   - body: Runs its operations on the tape that it is given, and in the same way each time.
  package func recomputed(
    _ x: Variable, when wanted: Bool = true, _ body: @escaping (Tape, Variable) throws -> Variable
  ) rethrows -> Variable {
    guard wanted, records else { return try body(self, x) }
    let y = try body(Tape(partOf: self, .first), x)
    guard let node = y.node else { return y }
    let again = Tape(partOf: self, .second)
    record {
      guard let dy = node.take() else { return }
      guard let y = try? body(again, x), let inner = y.node else {
        preconditionFailure("What ran in the forward pass runs again")
      }
      // What only this run's values need goes away before gradients take room.
      again.rows.run()
      inner.accumulate(dy, again.rows)
      again.runBack()
    }
    return y
  }

  /// The operations at the end of a part whose values only its result is made of: a projection, and sums with it.
  ///
  /// Their backward passes do without those values, so that the second run of the part leaves them out.
  package func withoutRecomputation(_ body: () throws -> Variable) rethrows -> Variable {
    computes = run != .second
    defer { computes = true }
    return try body()
  }
}
