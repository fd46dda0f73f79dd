extension AxolotlKeys {
  /// Stages beside supervised fine-tuning.
  static let preferences = keys([
    [
      .becomes(
        "rl", .choice(["dpo", "ipo", "kto", "orpo", "simpo", "grpo", "gdpo", "ebft"]), nil,
        """
        `train.stage`: `dpo`, `kto`, `orpo`, `simpo`; `ipo` is `dpo` with that loss; `grpo`, `gdpo` and `ebft` \
        are refused
        """),
      .becomes("rl_beta", .number, nil, "`train.beta`"),
      .becomes("dpo_beta", .number, nil, "`train.beta`"),
      .becomes("trl", .any, nil, "`train.beta` of its `beta`; what else it has belongs to `grpo`"),
      .becomes("dpo_loss_type", .names, nil, "`train.loss` of `dpo`"),
      .becomes("dpo_loss_weights", .names, nil, "`train.loss_weights`"),
      .becomes("dpo_label_smoothing", .number, nil, "`train.label_smoothing`"),
      .becomes("dpo_use_weighting", .bool, nil, "`train.wpo`"),
    ],
    .idle(
      [
        ("precompute_ref_log_probs", .bool, nil), ("dpo_use_liger_kernel", .bool, nil),
        ("dpo_padding_free", .bool, nil),
      ],
      "what a reference says of rows is always computed once and kept"),
    .refused(
      [
        ("dpo_norm_loss", .bool, nil), ("dpo_use_logits_to_keep", .bool, nil), ("dpo_generate_during_eval", .bool, nil),
      ],
      "Axolotl dropped it",
      try: "leave it out"),
    .refused(
      [("rpo_alpha", .number, nil)],
      "Axolotl dropped it",
      try: "`sft_weight` of `train` in a pipeline file: `anneal expand`"),
    [
      .becomes("orpo_alpha", .number, nil, "`train.beta` of `orpo`"),
      .becomes("simpo_gamma", .number, nil, "`train.gamma`"),
      .becomes("cpo_alpha", .number, nil, "`train.sft_weight` of `simpo`; 1 unless given, as in TRL"),
      .becomes("kto_desirable_weight", .number, nil, "`train.desirable_weight`"),
      .becomes("kto_undesirable_weight", .number, nil, "`train.undesirable_weight`"),
      .becomes("reward_model", .bool, nil, "`train.stage: rm`"),
      .becomes("center_rewards_coefficient", .number, nil, "`train.center_rewards`"),
    ],
    .refused(
      [("process_reward_model", .bool, nil)],
      unless: ["false"],
      "rewards are of whole answers",
      try: "`reward_model: true`"),
    .idle(
      [("vllm", .any, nil)],
      "it belongs to `rl: grpo`, whose rewards are programs of Python's"),
    .idle(
      [("ebft", .any, nil)],
      "it belongs to `rl: ebft`, which is refused"),
  ])
}
