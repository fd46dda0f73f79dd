extension AxolotlKeys {
  /// Rows and what becomes of them.
  static let data = keys([
    [
      .becomes("datasets", .any, nil, "`load_dataset` of each; see above"),
      .becomes("test_datasets", .any, nil, "`load_dataset` of each; `train.validation` and `evaluate.data`"),
      .becomes("pretraining_dataset", .any, nil, "`load_dataset` of each, and `train.stage: pt`"),
      .becomes(
        "val_set_size", .number, "0.0",
        "`tokenize.validation`; a number of rows becomes a share of those there are"),
      .becomes("sequence_len", .integer, "512", "`tokenize.max_length`"),
      .becomes(
        "excess_length_strategy", .choice(["drop", "truncate", "raise"]), nil,
        "`tokenize.overlong`: `drop` unless given, as there; `raise` is `error`; `truncate` cuts turn by turn"),
      .becomes("eval_sequence_len", .integer, nil, "`tokenize.max_length` of `test_datasets`"),
    ],
    .refused(
      [("min_sample_len", .integer, nil)],
      unless: ["1", "2"],
      "short rows are learned as well",
      try: "leave it out"),
    .idle(
      [("max_prompt_len", .integer, nil)],
      "prompt and answer share `sequence_len`"),
    [
      .becomes("sample_packing", .bool, nil, "`tokenize.packing`; samples in a row never see each other")
    ],
    .idle(
      [
        ("eval_sample_packing", .bool, nil), ("sample_packing_group_size", .integer, "100000"),
        ("sample_packing_bin_size", .integer, "200"), ("sample_packing_sequentially", .bool, nil),
        ("sample_packing_mp_start_method", .text, nil), ("sample_packing_eff_est", .number, nil),
        ("multipack_real_batches", .bool, nil), ("batch_flattening", .any, nil), ("pad_to_sequence_len", .bool, nil),
        ("pad_to_multiple_of", .integer, nil), ("max_packed_sequence_len", .integer, nil),
        ("total_num_tokens", .integer, nil), ("total_supervised_tokens", .integer, nil),
      ],
      "how rows are laid into batches is the program's, costs no padding and never changes a loss"),
    .idle(
      [
        ("pretrain_multipack_buffer_size", .integer, nil), ("streaming", .bool, nil),
        ("streaming_multipack_buffer_size", .integer, "10000"), ("pretraining_sample_concatenation", .bool, nil),
        ("preprocess_iterable", .bool, nil),
      ],
      "rows are read one by one, tokenised once and kept; memory does not grow with the file"),
    .refused(
      [("pretrain_multipack_attn", .bool, "true")],
      unless: ["true"],
      "texts that share a row never see each other",
      try: "leave it out"),
    [
      .becomes("train_on_inputs", .bool, "false", "`apply_template.learn: everything`"),
      .becomes(
        "chat_template", .text, nil,
        "`apply_template.template`: `auto`, or the file that `chat_template_jinja` names"),
      .becomes("chat_template_jinja", .text, nil, "`apply_template.template`, where it is a file"),
    ],
    .refused(
      [("chat_template_kwargs", .any, nil)],
      "templates are rendered with the variables that a conversation gives them",
      try: "write the value into a copy of the Jinja file and name it in `chat_template_jinja`"),
    [
      .becomes("default_system_message", .text, nil, "`apply_template.system`")
    ],
    .idle(
      [("eot_tokens", .names, nil)],
      "the mark that ends a turn is learned, whatever it is called; which it is is told from the chat template"),
    .idle(
      [("group_by_length", .bool, nil)],
      "rows of like length are computed together in any case"),
    [
      .becomes("curriculum_sampling", .bool, nil, "`train.shuffle: false`")
    ],
    .idle(
      [("shuffle_merged_datasets", .bool, "true"), ("shuffle_before_merging_datasets", .bool, "false")],
      "each pass takes rows in an order of its own"),
    .refused(
      [("dataset_exact_deduplication", .bool, nil)],
      unless: ["false"],
      "rows that are the same are learned as often as they stand there",
      try: "take them out of the file"),
    .refused(
      [("dataset_shard_num", .integer, nil), ("dataset_shard_idx", .integer, nil)],
      "a part of a set is not read",
      try: "write the part to a file of its own"),
    .idle(
      [
        ("dataset_prepared_path", .text, nil), ("num_dataset_shards_to_save", .integer, nil),
        ("skip_prepare_dataset", .bool, "false"), ("is_preprocess", .bool, nil),
      ],
      "tokens are kept in the store, and found again by their content"),
    .idle(
      [
        ("dataset_processes", .integer, nil), ("dataset_num_proc", .integer, nil),
        ("dataset_keep_in_memory", .bool, nil), ("dataloader_pin_memory", .bool, nil),
        ("dataloader_num_workers", .integer, nil), ("dataloader_prefetch_factor", .integer, nil),
      ],
      "all cores tokenise, and how many they are changes nothing"),
    .idle(
      [("dataloader_drop_last", .bool, nil)],
      "a pass takes all rows"),
    .idle(
      [("remove_unused_columns", .bool, nil)],
      "`load_dataset` names the columns that it reads"),
    .refused(
      [("push_dataset_to_hub", .text, nil), ("hub_model_id", .text, nil)],
      "nothing is sent to a hub",
      try: "leave it out, and send the folder afterwards: `hf upload NAME FOLDER`"),
    .idle(
      [("hf_use_auth_token", .bool, nil), ("hub_strategy", .text, nil), ("hub_revision", .text, nil)],
      "nothing is fetched or sent"),
    .idle(
      [
        ("image_size", .any, nil), ("image_resize_algorithm", .any, nil), ("role_boundaries", .any, nil),
        ("processor_type", .text, nil), ("processor_kwargs", .any, nil),
      ],
      "models see text alone"),
  ])
}
