import Datasets

/// What Axolotl calls the layouts of rows, and which columns it reads of each.
enum AxolotlLayouts {
  /// Whether prompts are laid out by something else than a chat template, and by what.
  struct Layout {
    var rows: RowColumns
    /// What the type lays prompts out by, where that is no chat template; nil where it is one.
    var text: String?

    init(_ format: RowFormat, _ reads: [RowColumns.Read], text: String? = nil) {
      rows = RowColumns(format, reads)
      self.text = text
    }
  }

  private static let alpaca: [RowColumns.Read] = [
    .needed(.instruction, "instruction"), .optional(.input, "input"), .needed(.output, "output", "response"),
  ]

  /// Layouts of rows that answers are learned from.
  static let answers: [String: Layout] = [
    "alpaca": Layout(.alpaca, alpaca, text: "Alpaca's text"),
    "alpaca_chat": Layout(.alpaca, alpaca, text: "Alpaca's text"),
    "gpteacher": Layout(.alpaca, alpaca, text: "Alpaca's text"),
    "alpaca_w_system": Layout(.alpaca, alpaca + [.needed(.system, "system")], text: "Alpaca's text"),
    "oasst": Layout(
      .alpaca, [.needed(.instruction, "INSTRUCTION"), .needed(.output, "RESPONSE")], text: "Alpaca's text"),
    "alpaca_chat.load_qa": Layout(
      .promptCompletion, [.needed(.prompt, "question"), .needed(.completion, "answer")], text: "Alpaca's text"),
    "alpaca_w_system.load_open_orca": Layout(
      .promptCompletion,
      [.needed(.prompt, "question"), .needed(.completion, "response"), .optional(.system, "system_prompt")],
      text: "Alpaca's text"),
    "chat_template": Layout(.messages, [.needed(.messages, "messages"), .optional(.tools, "tools")]),
    "sharegpt": Layout(.sharegpt, [.needed(.messages, "conversations")]),
    "completion": Layout(.text, [.needed(.text, "text")]),
    "pretrain": Layout(.text, [.needed(.text, "text")]),
  ]

  private static let pair: [RowColumns.Read] = [.needed(.chosen, "chosen"), .needed(.rejected, "rejected")]
  private static let judged: [RowColumns.Read] = [.needed(.completion, "completion"), .needed(.label, "label")]

  /// Layouts of pairs, by what stands behind the first dot.
  static let pairs: [String: Layout] = [
    "": Layout(
      .preference,
      [
        .optional(.prompt, "prompt", "question"), .optional(.instruction, "instruction"), .optional(.system, "system"),
        .needed(.chosen, "chosen", "chosen_response"), .needed(.rejected, "rejected", "rejected_response"),
      ]),
    "argilla": Layout(.preference, pair + [.optional(.prompt, "prompt")]),
    "argilla_chat": Layout(.preference, pair + [.optional(.prompt, "prompt")]),
    "icr": Layout(.preference, pair + [.needed(.prompt, "input"), .optional(.system, "system")]),
    "intel": Layout(.preference, pair + [.needed(.prompt, "question"), .optional(.system, "system")]),
    "prompt_pairs": Layout(.preference, pair + [.needed(.prompt, "prompt"), .optional(.system, "system")]),
    "ultra": Layout(.preference, pair + [.needed(.prompt, "prompt"), .optional(.system, "system")]),
  ]

  /// Pairs behind messages, as `chat_template` reads them.
  static let pairsBehindMessages = Layout(.preference, pair + [.needed(.messages, "messages")])
  /// Conversations that both answers are whole of, or an input and two answers.
  static let pairsOfScores = Layout(
    .preference, pair + [.optional(.prompt, "input", "prompt"), .optional(.system, "system")])

  /// Layouts of judged answers, by what stands behind the first dot.
  static let verdicts: [String: Layout] = [
    "argilla": Layout(.judged, judged + [.needed(.prompt, "instruction"), .optional(.system, "system")]),
    "argilla_chat": Layout(.judged, [.needed(.messages, "completion"), .needed(.label, "label")]),
    "intel": Layout(.judged, judged + [.needed(.prompt, "question"), .optional(.system, "system")]),
    "prompt_pairs": Layout(.judged, judged + [.needed(.prompt, "prompt"), .optional(.system, "system")]),
    "ultra": Layout(.judged, judged + [.needed(.prompt, "prompt"), .optional(.system, "system")]),
  ]

  /// What pairs and judged answers may be laid out by, before the first dot.
  static let templates = ["chatml", "llama3", "zephyr", "passthrough"]
}
