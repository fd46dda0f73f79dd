extension ArgumentTable {
  /// The keys of LLaMA-Factory's `DataArguments`: the data.
  static let data: [ArgumentKey] = [
    .becomes(
      "template", .text, nil,
      "`apply_template.template: auto`, the model's own chat template; see below"),
    .becomes(
      "dataset", .names, nil,
      "`load_dataset` of each, by `dataset_info.json`"),
    .becomes(
      "eval_dataset", .names, nil,
      "`load_dataset` of each; `train.validation` and `evaluate.data`"),
    .becomes(
      "dataset_dir", .text, "data",
      "the folder of `dataset_info.json`; `ONLINE` and `REMOTE:` are refused"),
    .idle(
      "media_dir", .text, nil,
      "models see text alone"),
    .becomes(
      "cutoff_len", .integer, "2048",
      "`tokenize.max_length`; one less where samples are packed, as LLaMA-Factory has it"),
    .becomes(
      "train_on_prompt", .bool, "false",
      "`apply_template.learn: everything`"),
    .becomes(
      "mask_history", .bool, "false",
      """
      `apply_template.learn: last_answer`; rows that are too long are cut turn by turn from the first, where LLaMA-Factory \
      begins with the last
      """),
    .idle(
      "streaming", .bool, "false",
      "rows are read one by one in any case, tokenised once and kept; memory does not grow with the file"),
    .idle(
      "buffer_size", .integer, "16384",
      "rows are read one by one in any case, tokenised once and kept; memory does not grow with the file"),
    .becomes(
      "mix_strategy", .choice(["concat", "interleave_under", "interleave_over"]), "concat",
      """
      how many rows of each set are learned: `load_dataset.max_rows` of those that have more, sets that have fewer again \
      and again; what the turns come to on average, and rows are shuffled in any case
      """),
    .becomes(
      "interleave_probs", .names, nil,
      "the shares of the sets with `mix_strategy: interleave_…`"),
    .idle(
      "overwrite_cache", .bool, "false",
      "tokens are found again by the content of rows, template and tokenizer; what changed is made anew by itself"),
    .idle(
      "preprocessing_batch_size", .integer, "1000",
      "all cores tokenise, and how many they are changes nothing"),
    .idle(
      "preprocessing_num_workers", .integer, nil,
      "all cores tokenise, and how many they are changes nothing"),
    .becomes(
      "max_samples", .integer, nil,
      "`load_dataset.max_rows`, of every set: the first rows, as in LLaMA-Factory"),
    .refused(
      "eval_num_beams", .integer, nil, unless: ["1"],
      "answers are sampled or the likeliest; there is no beam search",
      try: "leave it out"),
    .idle(
      "ignore_pad_token_for_loss", .bool, "true",
      "nothing is padded"),
    .becomes(
      "val_size", .number, "0.0",
      """
      `tokenize.validation`, as a share; a number of rows becomes the share that it is of all there are, which is met on \
      average; which rows are held out follows from each row alone
      """),
    .becomes(
      "eval_on_each_dataset", .bool, "false",
      "a node `evaluate` for each of `eval_dataset`"),
    .becomes(
      "packing", .bool, nil,
      "`tokenize.packing`, for `pt` `fill_rows`; samples never see each other, which is `neat_packing`"),
    .becomes(
      "neat_packing", .bool, "false",
      "`tokenize.packing`"),
    .refused(
      "tool_format", .text, nil, unless: [],
      "tools are written by the model's own chat template",
      try: "leave it out"),
    .becomes(
      "default_system", .text, nil,
      "`apply_template.system`, for rows without a system text"),
    .becomes(
      "enable_thinking", .bool, "true",
      """
      nothing where it is `true`: the model's own chat template puts an empty thought where LLaMA-Factory does; \
      `false` is refused for templates that think
      """),
    .idle(
      "tokenized_path", .text, nil,
      """
      tokens are kept in the store, and found by their content; a folder of LLaMA-Factory's is neither read nor \
      written
      """),
    .idle(
      "data_shared_file_system", .bool, "false",
      "there is one machine"),
    .idle(
      "preserve_thinking", .bool, "false",
      "thoughts stay where the model's own chat template leaves them", since: "0.9.6"),
  ]
}
