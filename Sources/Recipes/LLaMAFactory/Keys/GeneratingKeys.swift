extension ArgumentTable {
  /// The keys of LLaMA-Factory's `GeneratingArguments`: answers.
  static let generating: [ArgumentKey] = [
    .becomes(
      "do_sample", .bool, "true",
      "`predict.temperature: 0` where it is `false`"),
    .becomes(
      "temperature", .number, "0.95",
      "`predict.temperature`"),
    .becomes(
      "top_p", .number, "0.7",
      "`predict.top_p`"),
    .becomes(
      "top_k", .integer, "50",
      "`predict.top_k`"),
    .refused(
      "num_beams", .integer, "1", unless: ["1"],
      "answers are sampled or the likeliest; there is no beam search",
      try: "leave it out"),
    .idle(
      "max_length", .integer, "1024",
      "`max_new_tokens` says how long answers may be"),
    .becomes(
      "max_new_tokens", .integer, "1024",
      "`predict.max_tokens`"),
    .becomes(
      "repetition_penalty", .number, "1.0",
      "`predict.repetition_penalty`"),
    .idle(
      "length_penalty", .number, "1.0",
      "it belongs to beam search, which is not there"),
    .idle(
      "skip_special_tokens", .bool, "true",
      "answers are texts without marks"),
  ]
}
