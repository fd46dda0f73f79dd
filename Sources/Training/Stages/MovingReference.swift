import LanguageModels
import Tensors

/// When a reference moves towards the policy, and how far.
package struct ReferenceMoves: Sendable, Hashable {
  /// Steps from one move to the next.
  package var every: Int
  /// What the policy counts in a move; 1 makes the reference what the policy is.
  package var share: Double

  package init(every: Int, share: Double) {
    self.every = every
    self.share = share
  }
}

/// A reference that begins as the model does and follows it: after each ``ReferenceMoves/every`` steps it becomes
/// share · policy + (1 − share) · reference (TR-DPO, arXiv:2404.09656; TRL's `sync_ref_model`).
///
/// It is the model with other values of what is trained, 4 bytes an element, which change places with the policy's when
/// the reference is asked.
package final class MovingReference {
  package let moves: ReferenceMoves
  private var values = ParameterCopies([])

  package init(_ moves: ReferenceMoves) { self.moves = moves }

  /// What tells it from others.
  var identity: String { "\(moves)" }

  /// What a checkpoint holds.
  var tensors: [NamedTensor] { values.tensors("reference") }

  /// Takes the model as it is before the first step.
  func begin(_ model: LanguageModel) { values = ParameterCopies(model.trainableParameters) }

  /// Whether it is no longer the model as it came in.
  func hasMoved(before step: Int) -> Bool { step >= moves.every }

  /// Moves it if that is due.
  ///
  /// - Parameter step: The steps that were taken.
  func follow(after step: Int, on compute: Compute) {
    guard step > 0, step.isMultiple(of: moves.every) else { return }
    let (new, old) = (Float(moves.share), Float(1 - moves.share))
    for slot in values.slots {
      let (value, copy) = (slot.parameter.value, slot.copy)
      compute.ranges(value.count) { range in
        let (p, r) = (value.pointer, copy.pointer)
        for i in range { r[i] = r[i] * old + p[i] * new }
      }
    }
  }

  /// What `body` finds with the model as the reference.
  func asked<Result>(_ model: LanguageModel, _ body: () throws -> Result) rethrows -> Result {
    values.exchange(on: model.compute)
    defer { values.exchange(on: model.compute) }
    return try body()
  }
}
