extension AxolotlKeys {
  /// The adapter beside the model, or what of the model is trained.
  static let adapter = keys([
    [
      .becomes(
        "adapter", .text, nil,
        "`attach_adapter.method: lora` for `lora` and `qlora`; left out, all of the model is trained"),
      .becomes("load_in_4bit", .bool, "false", "`load_model.weights: nf4`"),
      .becomes("load_in_8bit", .bool, "false", "`load_model.weights: int8`"),
      .becomes(
        "bnb_config_kwargs", .any, nil,
        "nothing but `bnb_4bit_quant_type`, which is `nf4`; its scales are always stored as double quantisation does"),
    ],
    .refused(
      [("gptq", .bool, nil)],
      unless: ["false"],
      "files that GPTQ quantised are not read",
      try: "a base in bf16 or f32 and `load_in_4bit: true`"),
    [
      .becomes("lora_model_dir", .text, nil, "`attach_adapter.from`; its own settings hold in place of `lora_*`"),
      .becomes("lora_r", .integer, nil, "`attach_adapter.rank`"),
      .becomes("lora_alpha", .integer, nil, "`attach_adapter.alpha`"),
      .becomes("lora_dropout", .number, "0.0", "`attach_adapter.dropout`"),
      .becomes("lora_target_linear", .bool, nil, "`attach_adapter.targets: [all_linear]`"),
      .becomes(
        "lora_target_modules", .names, nil,
        "`attach_adapter.targets`; one text that is no list is `target_pattern`"),
    ],
    .refused(
      [("lora_target_parameters", .any, nil)],
      "LoRA of tensors that are no maps is not there",
      try: "`lora_target_modules`"),
    [
      .becomes("lora_modules_to_save", .names, nil, "`attach_adapter.train_modules`"),
      .becomes("lora_rank_pattern", .any, nil, "`attach_adapter.rank_pattern`"),
      .becomes("lora_alpha_pattern", .any, nil, "`attach_adapter.alpha_pattern`"),
      .becomes("peft_layers_to_transform", .any, nil, "`attach_adapter.layers`"),
    ],
    .refused(
      [("peft_layers_pattern", .names, nil)],
      "blocks are numbered as the family has them",
      try: "leave it out"),
    .refused(
      [("peft_layer_replication", .any, nil)],
      "blocks are not repeated for an adapter",
      try: "`anneal nodes expand_model` inserts blocks"),
    [
      .becomes("peft_use_dora", .bool, nil, "`attach_adapter.dora`"),
      .becomes("peft_use_rslora", .bool, nil, "`attach_adapter.rslora`"),
      .becomes(
        "peft_init_lora_weights", .text, nil,
        "`attach_adapter.init`: `true`, `gaussian`, `orthogonal`, `olora`, `pissa`, `loftq`"),
      .becomes("peft", .any, nil, "`attach_adapter.init: loftq` where it has `loftq_config`"),
      .becomes("peft_trainable_token_indices", .any, nil, "`attach_adapter.train_tokens`"),
    ],
    .idle(
      [("peft_ensure_weight_tying", .bool, nil)],
      "a head that is the embedding moves with it"),
    .idle(
      [("peft_autocast_adapter_dtype", .bool, nil), ("embeddings_skip_upcast", .bool, nil)],
      "adapters are always computed in f32"),
    .idle(
      [
        ("lora_fan_in_fan_out", .bool, nil), ("qlora_sharded_model_loading", .bool, "false"),
        ("lora_on_cpu", .bool, nil),
      ],
      "how a model is loaded is the program's"),
    [
      .becomes("loraplus_lr_ratio", .number, nil, "`train.lora_plus_ratio`")
    ],
    .idle(
      [("loraplus_lr_embedding", .number, "1e-06")],
      "embeddings get no LoRA here, so it has nothing to hold for"),
    .idle(
      [("merge_lora", .bool, nil), ("merge_method", .any, "memory_efficient")],
      "a training merges nothing; `anneal expand` writes a pipeline to add `{type: merge}` to"),
    [
      .becomes(
        "unfrozen_parameters", .any, nil,
        "`train.trainable: {type: names}`; ranges of rows behind a name are refused"),
      .becomes("lisa_n_layers", .integer, nil, "`train.trainable: {type: lisa}`: `active`"),
      .becomes("lisa_step_interval", .integer, nil, "`train.trainable.switch_every`"),
    ],
    .idle(
      [("lisa_layers_attribute", .text, "model.layers")],
      "which the blocks are is known of each family"),
    .refused(
      [("relora", .bool, nil)],
      unless: ["false"],
      "adapters are not merged and begun anew while a model learns",
      try: "leave it out"),
    .idle(
      [
        ("relora_prune_ratio", .number, nil), ("relora_prune_method", .any, "magnitude"),
        ("relora_cpu_offload", .bool, nil),
      ],
      "they belong to `relora`"),
    .idle(
      [("quantize_moe_experts", .bool, "false"), ("experts_implementation", .text, nil)],
      "experts are maps like others: `load_in_4bit` rounds them too"),
    .idle(
      [("freeze_mm_modules", .bool, nil)],
      "models see text alone"),
  ])
}
