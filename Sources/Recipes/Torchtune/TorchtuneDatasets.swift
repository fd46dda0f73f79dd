import Datasets

/// What torchtune's builders of datasets read.
struct TorchtuneDatasets {
  var rows: RowColumns
  /// What `column_map` calls the columns.
  var mapped: [String: Column] = [:]
  /// What prompts are laid out by, where that is no chat template.
  var text: String?
  /// Whether prompts are learned unless told otherwise.
  var learnsAll = false
  /// Where the rows lie unless `source` says otherwise.
  var source: String?

  private static let alpaca = TorchtuneDatasets(
    rows: RowColumns(
      .alpaca, [.needed(.instruction, "instruction"), .optional(.input, "input"), .needed(.output, "output")]),
    mapped: ["instruction": .instruction, "input": .input, "output": .output], text: "Alpaca's text", learnsAll: true,
    source: "tatsu-lab/alpaca")

  private static func instruct(_ source: String?, _ text: String?, learnsAll: Bool = false) -> Self {
    TorchtuneDatasets(
      rows: RowColumns(.promptCompletion, [.needed(.prompt, "input"), .needed(.completion, "output")]),
      mapped: ["input": .prompt, "output": .completion], text: text, learnsAll: learnsAll, source: source)
  }

  private static func texts(_ source: String?, _ column: String) -> Self {
    TorchtuneDatasets(rows: RowColumns(.text, [.needed(.text, column)]), source: source)
  }

  static let byName: [String: TorchtuneDatasets] = {
    var cleaned = alpaca
    cleaned.source = "yahma/alpaca-cleaned"
    return [
      "alpaca_dataset": alpaca, "alpaca_cleaned_dataset": cleaned,
      "instruct_dataset": instruct(nil, nil),
      "grammar_dataset": instruct("liweili/c4_200m", "a text of its own"),
      "chat_dataset": TorchtuneDatasets(rows: RowColumns(.messages, [.needed(.messages, "messages")])),
      "slimorca_dataset": TorchtuneDatasets(
        rows: RowColumns(.sharegpt, [.needed(.messages, "conversations")]), source: "Open-Orca/SlimOrca-Dedup"),
      "text_completion_dataset": texts(nil, "text"),
      "wikitext_dataset": texts("EleutherAI/wikitext_document_level", "page"),
      "cnn_dailymail_articles_dataset": texts("ccdv/cnn_dailymail", "article"),
      "preference_dataset": TorchtuneDatasets(
        rows: RowColumns(.preference, [.needed(.chosen, "chosen"), .needed(.rejected, "rejected")]),
        mapped: ["chosen": .chosen, "rejected": .rejected]),
      "hh_rlhf_helpful_dataset": TorchtuneDatasets(
        rows: RowColumns(.preference, [.needed(.chosen, "chosen"), .needed(.rejected, "rejected")]),
        mapped: ["chosen": .chosen, "rejected": .rejected],
        source: "RLHFlow/HH-RLHF-Helpful-standard"),
      "stack_exchange_paired_dataset": TorchtuneDatasets(
        rows: RowColumns(
          .preference,
          [
            .needed(.prompt, "question", "prompt"), .needed(.chosen, "response_j", "chosen"),
            .needed(.rejected, "response_k", "rejected"),
          ]), mapped: ["prompt": .prompt, "chosen": .chosen, "rejected": .rejected], text: "a text of its own",
        source: "lvwerra/stack-exchange-paired"),
    ]
  }()
}
