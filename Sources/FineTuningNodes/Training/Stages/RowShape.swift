import Datasets
import TokenShards

/// What a row of a token set is to a stage.
package struct RowShape: Sendable {
  /// The kinds of records that such rows are made from.
  package var kinds: Set<Record.Kind>
  /// What messages call them.
  package var words: String
  /// What such rows are made from, for advice.
  package var origin: String
  /// The sequences of a row.
  package var roles: [TokenSequence.Role]
  /// What counts of them are called in `metrics.json`.
  package var unit: String
  /// Whether rows must be rendered as those that the model learned from before were.
  package var keepsTemplate: Bool

  /// Conversations and texts, each learned by itself.
  package static let texts = RowShape(
    kinds: [.conversation, .text], words: "single texts", origin: "conversations or texts", roles: [.sample],
    unit: "rows", keepsTemplate: false)

  /// Texts alone, all of whose tokens are learned.
  package static let plainTexts = RowShape(
    kinds: [.text], words: "plain texts", origin: "texts: a column `text`, or a file of text", roles: [.sample],
    unit: "rows", keepsTemplate: false)

  /// A preferred and another answer to one prompt.
  package static let pairs = RowShape(
    kinds: [.preference], words: "preference pairs", origin: "pairs of a chosen and a rejected answer",
    roles: [.chosen, .rejected], unit: "pairs", keepsTemplate: true)

  /// Answers that are each wanted or not.
  package static let judged = RowShape(
    kinds: [.judged], words: "judged answers", origin: "answers that are each wanted or not",
    roles: [.wanted], unit: "answers", keepsTemplate: true)

  /// Prompts that the model answers itself while it learns.
  package static let prompts = RowShape(
    kinds: [.prompt], words: "prompts", origin: "prompts alone", roles: [.prompt], unit: "prompts", keepsTemplate: true)

  /// Whether what is measured of them is a mean over tokens.
  var isOfTokens: Bool { roles == [.sample] }

  /// The shapes there are.
  static let all = [texts, pairs, judged, prompts]

  /// The tokens of a row whose sequences are each as long as a row may be.
  func fullLength(longest: Int) -> Int { roles.count * longest }

  /// A row all of whose tokens are learned, in sequences that the model has positions for.
  func fullRow(of tokens: Int, positions: Int) -> TokenRow {
    func sequence(_ role: TokenSequence.Role, _ count: Int) -> TokenSequence {
      TokenSequence(
        role: role, ids: [Int32](repeating: 0, count: count), lossMask: [Bool](repeating: true, count: count))
    }
    guard roles.count > 1 else {
      return TokenRow(
        stride(from: 0, to: tokens, by: positions).map { sequence(roles[0], min(positions, tokens - $0)) })
    }
    return TokenRow(roles.map { sequence($0, min(positions, tokens / roles.count)) })
  }
}
