import PreciseJSON

/// A completion to be judged.
package struct RewardSample: Sendable {
  package var prompt: String
  /// The same without special tokens.
  package var question: String
  /// The text of the completion, without the end token.
  package var completion: String
  /// The tokens of the completion, with the end token where there is one.
  package var ids: [Int32]
  /// Whether it ended by an end token; false where it was cut at the longest.
  package var isEnded: Bool
  /// The columns of the prompt's row.
  package var row: JSONObject

  package init(
    prompt: String = "", question: String = "", completion: String, ids: [Int32] = [], isEnded: Bool = true,
    row: JSONObject = JSONObject()
  ) {
    self.prompt = prompt
    self.question = question
    self.completion = completion
    self.ids = ids
    self.isEnded = isEnded
    self.row = row
  }
}
