/// The record of one forward pass: each operation that matters for a trainable parameter leaves a closure, and
/// ``backward(from:gradient:)`` runs them in reverse.
///
/// Letters of all operations: T tokens of the packed batch, C hidden size, H query heads, K key-value heads, D head
/// dimension, F feed-forward size, V vocabulary, L label positions, R adapter rank.
package final class Tape {
  package let compute: Compute
  /// False for inference: nothing is kept, dropout is off.
  package let records: Bool
  /// The randomness of this step; dropout masks derive from it.
  package let step: RandomKey
  /// Whether adapters drop what they say they drop.
  package let drops: Bool
  /// What gathers how evenly experts are chosen; nil where nobody asks.
  package let balance: RouterBalance?
  /// What operations on rows have left to do.
  let rows: RowProgram
  /// What of a forward pass runs on the tape.
  let run: Run
  /// Whether values are wanted of the operations that come; see ``withoutRecomputation(_:)``.
  var computes = true
  private var steps: [() -> Void] = []

  /// What runs on a tape: a forward pass, or a part of one that runs twice; see ``recomputed(_:when:_:)``.
  enum Run {
    case whole
    /// It comes out what needs a gradient, and nothing is kept.
    case first
    case second
  }

  /// - `drops`: false switches dropout off while recording.
  /// - `weights`: shared with the tapes between which no weight changes.
  package init(
    compute: Compute, records: Bool, step: RandomKey = RandomKey(seed: 0), drops: Bool = true,
    weights: WeightEpoch = WeightEpoch(), balance: RouterBalance? = nil
  ) {
    self.compute = compute
    self.balance = balance
    rows = RowProgram(compute: compute, weights: weights)
    self.records = records
    self.step = step
    self.drops = records && drops
    run = .whole
  }

  /// A tape for a part of what `whole` records: the same randomness, the same program for operations on rows.
  init(partOf whole: Tape, _ run: Run) {
    compute = whole.compute
    rows = whole.rows
    records = whole.records
    step = whole.step
    drops = whole.drops
    balance = whole.balance
    self.run = run
  }

  /// Whether a parameter's gradient is wanted on this tape.
  func wantsGradient(of parameter: Parameter) -> Bool { records && parameter.isTrainable }

  /// The array, whose rows stay for the steps that are recorded.
  func keep(_ array: RowArray) -> RowArray { keeps ? array.kept() : array }

  /// Whether what runs leaves a record.
  var keeps: Bool { records && run != .first }

  /// Keeps `step` for the backward pass.
  ///
  /// It must not refer to the tape, and should hold only those values that it needs.
  func record(_ step: @escaping () -> Void) {
    if keeps { steps.append(step) }
  }

  /// Runs the recorded operations in reverse; each frees what it had saved.
  ///
  /// Gradients of parameters are added to ``Parameter/gradient``. A tape can be run back once.
  /// - `gradient`: the derivative of the objective with respect to every element of `variable`.
  package func backward(from variable: Variable, gradient: Float = 1) {
    let seed = Tensor(uninitialized: variable.stored.shape)
    onElements { seed.pointer.update(repeating: gradient, count: seed.count) }
    backward(from: variable, gradient: seed)
  }

  /// Runs the recorded operations in reverse from a given derivative with respect to `variable`.
  package func backward(from variable: Variable, gradient: Tensor) {
    precondition(records, "A tape that does not record has no backward pass")
    precondition(gradient.shape == variable.stored.shape, "The gradient has another shape than its variable")
    rows.run()
    guard let node = variable.node else { return }
    node.accumulate(GradientBuffer(gradient), rows)
    runBack()
    rows.run()
  }

  /// Runs the recorded operations in reverse, from the gradients that nodes hold; the last of the work may wait.
  func runBack() {
    while let step = steps.popLast() { step() }
  }
}
