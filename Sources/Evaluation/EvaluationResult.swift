import Glibc
import PreciseJSON

/// How well a model predicts the labels of a token set.
package struct EvaluationResult: Sendable, Hashable {
  /// Sum of −log p over the label tokens.
  package var lossSum: Double = 0
  package var labelTokens = 0
  /// Label tokens that were the model's first choice.
  package var correct = 0
  /// All tokens of the rows.
  package var tokens = 0
  package var rows = 0

  package init() {}

  /// Mean over all label tokens, in nats.
  package var loss: Double { lossSum / Double(labelTokens) }
  package var perplexity: Double { exp(loss) }
  /// The share of label tokens that were the model's first choice.
  package var accuracy: Double { Double(correct) / Double(labelTokens) }

  /// The object of `metrics.json`.
  package var json: JSON {
    [
      "loss": JSON(loss), "perplexity": JSON(perplexity), "accuracy": JSON(accuracy),
      "label_tokens": JSON(labelTokens), "tokens": JSON(tokens), "rows": JSON(rows),
    ]
  }
}
