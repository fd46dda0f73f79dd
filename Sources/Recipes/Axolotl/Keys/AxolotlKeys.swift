/// Every key of Axolotl's configuration, by what it is about.
enum AxolotlKeys {
  static func keys(_ lists: [[ArgumentKey]]) -> [ArgumentKey] { lists.flatMap { $0 } }

  /// Keys of plug-ins that come with Axolotl.
  static let plugins = keys([
    .idle(
      [
        ("liger_rope", .bool, nil), ("liger_rms_norm", .bool, nil), ("liger_rms_norm_gated", .bool, nil),
        ("liger_layer_norm", .bool, nil), ("liger_swiglu", .bool, nil), ("liger_glu_activation", .bool, nil),
        ("liger_cross_entropy", .bool, nil), ("liger_fused_linear_cross_entropy", .bool, nil),
        ("liger_use_token_scaling", .bool, nil), ("cut_cross_entropy", .bool, nil),
      ],
      "kernels for GPUs; this program has its own for CPUs", since: "of a plug-in"),
    .idle(
      [
        ("use_swanlab", .bool, nil), ("swanlab_project", .text, nil), ("swanlab_experiment_name", .text, nil),
        ("swanlab_description", .text, nil), ("swanlab_mode", .text, nil), ("swanlab_workspace", .text, nil),
        ("swanlab_api_key", .text, nil), ("swanlab_log_model", .bool, nil), ("swanlab_log_completions", .bool, nil),
      ],
      "nothing is sent anywhere; metrics, TensorBoard's file and pictures lie in `results/`", since: "of a plug-in"),
    [
      ArgumentKey(
        name: "spectrum_top_fraction", kind: .number, standard: "0.5", fate: .becomes,
        words: "`train.trainable: {type: spectrum}`: `top_percent`", since: "of a plug-in")
    ],
    .idle(
      [("spectrum_model_name", .text, nil)], "signal and noise are measured in the model itself",
      since: "of a plug-in"),
    .refused(
      [("kd_trainer", .any, nil)], unless: ["false"], "teachers are models here, and no stored probabilities",
      try: "`recipe: distillation` with `teacher: MODEL`", since: "of a plug-in"),
    .idle(
      [
        ("kd_ce_alpha", .any, nil), ("kd_alpha", .any, nil), ("kd_temperature", .any, nil), ("kd_beta", .any, nil),
        ("kd_normalize_topk", .any, nil), ("kd_online_server_base_url", .any, nil), ("kd_online_topk", .any, nil),
        ("kd_online_server", .any, nil), ("kd_online_timeout", .any, nil), ("kd_temperature_min", .any, nil),
      ],
      "it belongs to `kd_trainer`, which is refused", since: "of a plug-in"),
  ])

  /// Keys of a dataset.
  static let dataset = keys([
    [
      .becomes("path", .text, nil, "`load_dataset.from`: a file, or a folder of such; names of hubs are refused"),
      .becomes("data_files", .names, nil, "`load_dataset.from`: files, in the folder `path` where they are not found"),
      .becomes("ds_type", .text, nil, "what is in the files: `json` or `text`; others are refused"),
      .becomes("type", .any, nil, "`load_dataset.format` and `columns`"),
      .becomes("split", .text, nil, "`load_dataset.max_rows` for `train[:100]`; other parts are refused"),
      .becomes("field", .text, nil, "`load_dataset.columns.text` of `completion`"),
      .becomes("text_column", .text, "text", "`load_dataset.columns.text` of `pretraining_dataset`"),
      .becomes("field_messages", .text, nil, "`load_dataset.columns.messages`"),
      .becomes("field_tools", .text, nil, "`load_dataset.columns.tools`"),
      .becomes("field_chosen", .text, nil, "`load_dataset.columns.chosen`"),
      .becomes("field_rejected", .text, nil, "`load_dataset.columns.rejected`"),
      .becomes(
        "message_property_mappings", .any, nil,
        "`load_dataset.format`: `messages` for `role` and `content`, `sharegpt` for `from` and `value`"),
      .becomes("message_field_role", .text, nil, "as `role` of `message_property_mappings`"),
      .becomes("message_field_content", .text, nil, "as `content` of `message_property_mappings`"),
      .becomes("message_field_training", .text, nil, "nothing where it is a mark that is known (`training`, `train`)"),
      .becomes("roles", .any, nil, "nothing where its roles are those that are known"),
      .becomes("roles_to_train", .names, nil, "`apply_template.learn`: `everything` where `user` is among them"),
      .becomes("chat_template", .text, nil, "as the file's own `chat_template`"),
      .becomes("chat_template_jinja", .text, nil, "as the file's own `chat_template_jinja`"),
    ],
    .refused(
      [("train_on_eos", .text, nil), ("train_on_eot", .text, nil)], unless: ["turn"],
      "the mark that ends an answer is learned with the answer", try: "leave it out"),
    .refused(
      [("message_field_training_detail", .text, nil)], "stretches of a message are told by `spans` in the row",
      try: "`spans: [{\"start\": 0, \"end\": 5, \"weight\": 0}]`; docs/datasets.md"),
    .refused(
      [("drop_system_message", .bool, nil)], unless: ["false"], "rows are rendered with their system text",
      try: "take it out of the rows"),
    .refused(
      [
        ("shards", .integer, nil), ("shards_idx", .integer, nil), ("input_transform", .text, nil),
        ("skip", .integer, nil),
      ], "a file is read whole, or its first rows", try: "write what is wanted to a file of its own"),
    .refused(
      [("step_separator", .text, nil), ("train_on_last_step_only", .bool, nil)], "rewards are of whole answers",
      try: "leave the set out"),
    .refused(
      [("logprobs_field", .text, nil), ("temperature", .number, nil)],
      "teachers are models here, and no stored probabilities", try: "`recipe: distillation` with `teacher: MODEL`"),
    .refused(
      [("input_format", .text, nil), ("conversation", .text, nil)],
      "prompts are laid out by a chat template", try: "`type: chat_template`"),
    .refused(
      [("field_human", .text, nil), ("field_model", .text, nil)], "they belong to layouts that Axolotl dropped",
      try: "`type: chat_template`"),
    .idle(
      [("field_thinking", .text, nil), ("template_thinking_key", .text, nil), ("split_thinking", .bool, nil)],
      "a thought under `reasoning_content`, `thinking` or `reasoning` is there for every template"),
    .idle([("max_completion_length", .integer, nil)], "prompt and answer share `sequence_len`"),
    .idle(
      [("preprocess_shards", .integer, nil), ("name", .text, nil), ("revision", .text, nil)],
      "it decides nothing of a local file"),
    .idle([("trust_remote_code", .bool, "false")], "no code of a dataset is ever run"),
  ])
}

extension KeyTable {
  /// Axolotl's keys, and those of its plug-ins.
  package static let axolotl = KeyTable(
    "Axolotl",
    [
      Section("Model and tokenizer", AxolotlKeys.model), Section("Adapter and frozen weights", AxolotlKeys.adapter),
      Section("Data", AxolotlKeys.data), Section("Training", AxolotlKeys.training),
      Section("Preferences", AxolotlKeys.preferences), Section("Other machines and programs", AxolotlKeys.outside),
      Section("Plug-ins", AxolotlKeys.plugins),
    ],
    formerNames: [
      "max_seq_length": "sequence_len", "cutoff_len": "sequence_len", "lora_rank": "lora_r",
      "num_train_epochs": "num_epochs", "per_device_train_batch_size": "micro_batch_size", "dataset": "datasets",
      "revision_of_model": "model_revision", "type_of_model": "model_type", "adam_eps": "adam_epsilon",
      "lr_scheduler_type": "lr_scheduler", "optim": "optimizer", "model_name_or_path": "base_model",
      "overrides_of_model_config": "model_config", "overrides_of_model_kwargs": "model_kwargs",
      "lora_target": "lora_target_modules", "finetuning_type": "adapter",
    ])

  /// The keys of a dataset in Axolotl's files.
  package static let axolotlDataset = KeyTable(
    "Axolotl", [Section("A dataset", AxolotlKeys.dataset)],
    formerNames: ["file": "path", "file_name": "path", "format": "type"])
}

extension [ArgumentKey] {
  /// Keys with one reason to decide nothing.
  static func idle(_ keys: [(String, ArgumentKey.Kind, String?)], _ words: String, since: String? = nil) -> Self {
    keys.map { ArgumentKey.idle($0.0, $0.1, $0.2, words, since: since) }
  }

  /// Keys with one reason to be refused.
  static func refused(
    _ keys: [(String, ArgumentKey.Kind, String?)], unless allowed: [String] = [], _ words: String,
    try advice: String? = nil, since: String? = nil
  ) -> Self {
    keys.map { ArgumentKey.refused($0.0, $0.1, $0.2, unless: allowed, words, try: advice, since: since) }
  }
}
