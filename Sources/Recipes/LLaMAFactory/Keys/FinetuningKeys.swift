extension ArgumentTable {
  /// The keys of LLaMA-Factory's `FinetuningArguments`: the method.
  static let finetuning = methods + optimizersAndReports

  /// Methods and stages.
  private static let methods: [ArgumentKey] = [
    .becomes(
      "freeze_trainable_layers", .integer, "2",
      "`train.trainable`: `last`, or `first` below zero; with `use_llama_pro` `inserted`"),
    .becomes(
      "freeze_trainable_modules", .names, "all",
      "`train.trainable.modules`"),
    .becomes(
      "freeze_extra_modules", .names, nil,
      "`train.trainable.extra_modules`"),
    .becomes(
      "additional_target", .names, nil,
      "`attach_adapter.train_modules`"),
    .refused(
      "module_dropout", .number, "0.0", unless: ["0", "0.0"],
      "OFT has no dropout here",
      try: "leave it out"),
    .refused(
      "oft_rank", .integer, "0", unless: ["0"],
      "OFT is given by the size of its blocks",
      try: "`oft_block_size`"),
    .becomes(
      "oft_block_size", .integer, "32",
      "`attach_adapter.block_size`"),
    .becomes(
      "oft_target", .names, "all",
      "`attach_adapter.targets`"),
    .becomes(
      "create_new_adapter", .bool, "false",
      "adapters that are given are merged, and a fresh one is attached"),
    .becomes(
      "lora_alpha", .integer, nil,
      "`attach_adapter.alpha`; twice `lora_rank` unless given"),
    .becomes(
      "lora_dropout", .number, "0.0",
      "`attach_adapter.dropout`"),
    .becomes(
      "lora_rank", .integer, "8",
      "`attach_adapter.rank`"),
    .becomes(
      "lora_target", .names, "all",
      "`attach_adapter.targets`; `all` is `all_linear`"),
    .becomes(
      "loraplus_lr_ratio", .number, nil,
      "`train.lora_plus_ratio`"),
    .idle(
      "loraplus_lr_embedding", .number, "1e-06",
      "embeddings get no LoRA here, so it has nothing to hold for"),
    .becomes(
      "use_rslora", .bool, "false",
      "`attach_adapter.rslora`"),
    .becomes(
      "use_dora", .bool, "false",
      "`attach_adapter.dora`"),
    .becomes(
      "pissa_init", .bool, "false",
      "`attach_adapter.init: pissa`"),
    .idle(
      "pissa_iter", .integer, "16",
      "singular values are computed exactly, which is what `-1` asks for"),
    .idle(
      "pissa_convert", .bool, "false",
      "what is exported always stands beside the base as it was"),
    .becomes(
      "pref_beta", .number, "0.1",
      "`train.beta`"),
    .becomes(
      "pref_ftx", .number, "0.0",
      "`train.sft_weight` of `dpo` and `simpo`"),
    .becomes(
      "pref_bco_weight", .number, "0.0",
      """
      `train.loss: [sigmoid, bco_pair]` and `loss_weights`, which LLaMA-Factory's formula makes 1 ÷ (1 + w) and w ÷ \
      (1 + w)
      """),
    .becomes(
      "pref_loss", .choice(["sigmoid", "hinge", "ipo", "kto_pair", "orpo", "simpo"]), "sigmoid",
      """
      `train.loss` of `dpo` for `sigmoid`, `hinge` and `ipo`, `train.stage` for `orpo` and `simpo`; `kto_pair` is \
      refused
      """),
    .becomes(
      "dpo_label_smoothing", .number, "0.0",
      "`train.label_smoothing` of `dpo`"),
    .becomes(
      "kto_chosen_weight", .number, "1.0",
      "`train.desirable_weight`"),
    .becomes(
      "kto_rejected_weight", .number, "1.0",
      "`train.undesirable_weight`"),
    .becomes(
      "simpo_gamma", .number, "0.5",
      "`train.gamma`"),
    .idle(
      "ppo_buffer_size", .integer, "1",
      """
      they belong to `stage: ppo`, which is refused; `iterations`, `normalize_scores`, `kl_target` and \
      `whiten_rewards` of `train` mean the same
      """),
    .idle(
      "ppo_epochs", .integer, "4",
      """
      they belong to `stage: ppo`, which is refused; `iterations`, `normalize_scores`, `kl_target` and \
      `whiten_rewards` of `train` mean the same
      """),
    .idle(
      "ppo_score_norm", .bool, "false",
      """
      they belong to `stage: ppo`, which is refused; `iterations`, `normalize_scores`, `kl_target` and \
      `whiten_rewards` of `train` mean the same
      """),
    .idle(
      "ppo_target", .number, "6.0",
      """
      they belong to `stage: ppo`, which is refused; `iterations`, `normalize_scores`, `kl_target` and \
      `whiten_rewards` of `train` mean the same
      """),
    .idle(
      "ppo_whiten_rewards", .bool, "false",
      """
      they belong to `stage: ppo`, which is refused; `iterations`, `normalize_scores`, `kl_target` and \
      `whiten_rewards` of `train` mean the same
      """),
    .becomes(
      "ref_model", .text, nil,
      "`load_model` and `train.reference`"),
    .becomes(
      "ref_model_adapters", .text, nil,
      "`attach_adapter` beside `ref_model`"),
    .becomes(
      "ref_model_quantization_bit", .integer, nil,
      "`load_model.weights` of the reference"),
    .idle(
      "reward_model", .text, nil,
      "they belong to `stage: ppo`, which is refused"),
    .idle(
      "reward_model_adapters", .text, nil,
      "they belong to `stage: ppo`, which is refused"),
    .idle(
      "reward_model_quantization_bit", .integer, nil,
      "they belong to `stage: ppo`, which is refused"),
    .idle(
      "reward_model_type", .choice(["lora", "full", "api"]), "lora",
      "they belong to `stage: ppo`, which is refused"),
    .becomes(
      "ld_alpha", .number, nil,
      "`train.ld_alpha`, in model and reference; LLaMA-Factory lets the reference be"),
  ]
}
