import LanguageModels
import Tensors
import TokenShards

/// A linear map from a hidden state to one number: a reward, a value.
///
/// Named as TRL's wrapper and LLaMA-Factory name it, so that its file loads there.
package struct ScoreHead {
  /// [1, C].
  package let weight: Parameter
  /// [1].
  package let bias: Parameter

  package static let weightName = "v_head.summary.weight"
  package static let biasName = "v_head.summary.bias"

  /// - Parameters:
  ///   - weight: [1, C].
  ///   - bias: [1].
  package init(weight: Tensor, bias: Tensor, isTrainable: Bool = true) {
    self.weight = Parameter(name: Self.weightName, value: weight, isTrainable: isTrainable)
    self.bias = Parameter(name: Self.biasName, value: bias, kind: .bias, isTrainable: isTrainable)
  }

  /// A fresh head for hidden states of a width: uniform within ±1/√C, as torch's linear maps start.
  package init(width: Int, seed: UInt64) {
    let bound = Float(1 / Double(width).squareRoot())
    var random = CounterRandom(key: RandomKey(seed: seed).child(0x7265_7761_7264))
    func uniform(_ shape: [Int]) -> Tensor {
      Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in (2 * random.uniform() - 1) * bound })
    }
    let weight = uniform([1, width])
    self.init(weight: weight, bias: uniform([1]))
  }

  package var parameters: [Parameter] { [weight, bias] }
}

/// Sequences of which the last token's hidden state is scored.
package struct ScoredSequences {
  private let packed: PackedBatch
  package let tokenCount: Int

  package init(_ sequences: some Collection<TokenSequence>) {
    // A label after the last token has that token's hidden state read.
    packed = PackedBatch(
      sequences.map { sequence in
        LabelledSequence(
          ids: sequence.ids + [0], lossMask: [Bool](repeating: false, count: sequence.ids.count) + [true])
      })
    tokenCount = sequences.reduce(0) { $0 + $1.ids.count }
  }

  /// The scores [N] of the sequences, in their order.
  ///
  /// - Throws: ``TensorError`` for ids that the model does not have and sequences longer than it was made for.
  package func scores(_ model: LanguageModel, _ head: ScoreHead, on tape: Tape) throws -> Variable {
    try tape.rowScores(model.hiddenStates(tape, packed), weight: head.weight, bias: head.bias)
  }
}
