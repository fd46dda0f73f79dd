extension AxolotlKeys {
  /// Length, optimizer, schedule, and what is measured and kept.
  static let training = keys([
    [
      .becomes("num_epochs", .number, "1.0", "`train.epochs`"),
      .becomes("max_steps", .integer, nil, "`train.max_steps`"),
      .becomes("micro_batch_size", .integer, "1", "`train.batch_size`, times `gradient_accumulation_steps`"),
      .becomes("gradient_accumulation_steps", .integer, "1", "`train.batch_size`, times `micro_batch_size`"),
      .becomes("batch_size", .integer, nil, "`train.batch_size`, in place of the product"),
    ],
    .idle(
      [("eval_batch_size", .integer, nil), ("auto_find_batch_size", .bool, nil)],
      "how rows are laid into batches is the program's"),
    [
      .becomes("learning_rate", .number, nil, "`train.learning_rate`"),
      .becomes("embedding_lr", .number, nil, "`train.embedding_learning_rate`"),
      .becomes("embedding_lr_scale", .number, nil, "`train.embedding_learning_rate_factor`"),
      .becomes("lr_groups", .any, nil, "`train.groups`"),
      .becomes("weight_decay", .number, "0.0", "`train.optimizer.weight_decay`"),
      .becomes("optimizer", .text, "adamw_torch_fused", "`train.optimizer.type`"),
      .becomes(
        "optim_args", .any, nil,
        "fields of `train.optimizer`: `rank`, `update_proj_gap`, `scale`, `proj_type` and others of that name"),
    ],
    .idle(
      [("optim_target_modules", .names, nil)],
      "the optimizer projects every matrix of the blocks"),
    [
      .becomes("adam_beta1", .number, nil, "`train.optimizer.betas`"),
      .becomes("adam_beta2", .number, nil, "`train.optimizer.betas`"),
      .becomes("adam_beta3", .number, nil, "`train.optimizer.betas` of `came_pytorch`"),
      .becomes("adam_epsilon", .number, nil, "`train.optimizer.epsilon`"),
    ],
    .idle(
      [("adam_epsilon2", .number, nil)],
      "`came` has one that is as small"),
    .idle(
      [
        ("dion_lr", .number, nil), ("dion_momentum", .number, nil), ("dion_rank_fraction", .number, "1.0"),
        ("dion_rank_multiple_of", .integer, "1"),
      ],
      "they belong to `optimizer: dion`, which is refused"),
    .idle(
      [
        ("qgalore_rank", .integer, "256"), ("qgalore_update_proj_gap", .integer, "200"),
        ("qgalore_scale", .number, "0.25"), ("qgalore_proj_type", .text, "std"), ("qgalore_proj_quant", .bool, "true"),
        ("qgalore_proj_bits", .integer, "4"), ("qgalore_proj_group_size", .integer, "256"),
        ("qgalore_cos_threshold", .number, "0.4"), ("qgalore_gamma_proj", .integer, "2"),
        ("qgalore_queue_size", .integer, "5"),
      ],
      "they belong to `optimizer: q_galore_adamw8bit`, which is refused"),
    .idle(
      [("torchdistx_path", .text, nil)],
      "it belongs to `adamw_anyprecision`, which transformers dropped"),
    [
      .becomes("max_grad_norm", .number, nil, "`train.max_grad_norm`"),
      .becomes("lr_scheduler", .text, "cosine", "`train.schedule.type`"),
      .becomes("lr_scheduler_kwargs", .any, nil, "`train.schedule`"),
      .becomes("warmup_steps", .integer, nil, "`train.schedule.warmup_steps`"),
      .becomes(
        "warmup_ratio", .number, nil,
        "`train.schedule.warmup_ratio`; without either 0.03, which is Axolotl's default"),
      .becomes("cosine_min_lr_ratio", .number, nil, "`train.schedule.min_lr_rate`"),
      .becomes("cosine_constant_lr_ratio", .number, nil, "`train.schedule.constant_tail`: what is left of the steps"),
    ],
    .refused(
      [("lr_quadratic_warmup", .bool, nil)],
      unless: ["false"],
      "warm-ups rise in a straight line",
      try: "leave it out"),
    .idle(
      [("lr_div_factor", .number, nil)],
      "Axolotl reads it nowhere"),
    .refused(
      [("jagged_restart_steps", .integer, nil)],
      "schedules begin once",
      try: "`lr_scheduler: cosine_with_restarts`"),
    .idle(
      [("jagged_restart_warmup_steps", .integer, nil), ("jagged_restart_anneal_steps", .integer, nil)],
      "they belong to `jagged_restart_steps`"),
    [
      .becomes("neftune_noise_alpha", .number, nil, "`train.neftune_alpha`"),
      .becomes("noisy_embedding_alpha", .number, nil, "`train.neftune_alpha`"),
      .becomes("use_eaft", .bool, nil, "`train.loss: eaft`"),
      .becomes("eaft_alpha", .number, "1.0", "`train.eaft_alpha`"),
      .becomes("eaft_k", .integer, "20", "`train.eaft_top_k`"),
      .becomes("seed", .integer, nil, "`train.seed` and `attach_adapter.seed`"),
      .becomes("eval_steps", .number, nil, "`train.evaluate_every`; shares of the steps are not taken"),
      .becomes(
        "evals_per_epoch", .integer, nil,
        """
        `train.evaluate_every`, in steps; with `sample_packing`, where a pass has so many steps as rows are \
        packed into, it is measured at the end
        """),
      .becomes(
        "eval_strategy", .choice(["no", "steps", "epoch"]), nil,
        "whether it is measured while it trains; `epoch` measures at the end alone"),
      .becomes("evaluation_strategy", .text, nil, "as `eval_strategy`"),
      .becomes("early_stopping_patience", .integer, nil, "`train.early_stopping.patience`"),
      .becomes("load_best_model_at_end", .bool, "false", "`train.keep: best`"),
      .becomes("metric_for_best_model", .text, nil, "`train.best_measure`"),
      .becomes("greater_is_better", .bool, nil, "`train.best_goal`"),
      .becomes("save_steps", .number, nil, "`train.save_every`"),
    ],
    .idle(
      [("saves_per_epoch", .integer, nil), ("save_first_step", .bool, nil), ("save_only_model", .bool, "false")],
      "checkpoints are for going on, and change nothing; they vanish when the training is done"),
    [
      .becomes(
        "save_strategy", .choice(["no", "steps", "epoch", "best"]), nil,
        "`train.keep: best` for `best`; elsewhere nothing"),
      .becomes("save_total_limit", .integer, nil, "`train.keep_checkpoints`"),
      .becomes("logging_steps", .integer, nil, "`train.log_every`"),
      .becomes(
        "loss_watchdog_threshold", .number, nil,
        "`train.loss_watchdog`, which goes by the median of the steps before and by no fixed loss"),
      .becomes("loss_watchdog_patience", .integer, nil, "`train.loss_watchdog.steps`"),
      .becomes("use_tensorboard", .bool, nil, "`train.report_to: [tensorboard]`"),
      .becomes("generate_samples", .bool, "false", "`train.samples`: the likeliest tokens"),
      .becomes("num_generation_samples", .integer, "3", "`train.samples.prompts`"),
      .becomes("generation_max_new_tokens", .integer, "50", "`train.samples.max_tokens`"),
    ],
    .idle(
      [
        ("generation_temperature", .number, "0.7"), ("generation_top_p", .number, nil),
        ("generation_top_k", .integer, nil), ("generation_prompt_ratio", .number, "0.5"),
        ("generation_do_sample", .bool, "true"),
      ],
      "samples are the likeliest answers to whole prompts"),
    .idle(
      [("eval_table_size", .integer, nil), ("eval_max_new_tokens", .integer, nil)],
      "Axolotl dropped them for `generate_samples`"),
    .refused(
      [("do_causal_lm_eval", .bool, nil), ("do_bench_eval", .bool, nil)],
      unless: ["false"],
      "measures are loss, accuracy and those of the stage",
      try: "leave it out; `anneal nodes predict` lets a model answer"),
    .idle(
      [("eval_causal_lm_metrics", .names, nil), ("bench_dataset", .text, nil), ("bench_split", .text, nil)],
      "they belong to `do_causal_lm_eval` and `do_bench_eval`"),
    .idle(
      [("include_tokens_per_second", .bool, nil), ("include_tkps", .bool, "true")],
      "tokens and their rate are always in `metrics.jsonl`"),
    .idle(
      [("profiler_steps", .integer, nil), ("profiler_steps_start", .integer, "0")],
      "`anneal report` says where the time went"),
    [
      .becomes("bf16", .any, "auto", "`load_model.compute`"),
      .becomes("fp16", .bool, nil, "`load_model.compute`"),
      .becomes("bfloat16", .bool, nil, "`load_model.compute`"),
      .becomes("float16", .bool, nil, "`load_model.compute`"),
      .becomes("float32", .bool, nil, "`load_model.compute: f32`"),
    ],
    .idle(
      [("tf32", .any, "auto"), ("fp8", .bool, nil), ("fp8_enable_fsdp_float8_all_gather", .bool, nil)],
      "`load_model.compute` says which arithmetic a CPU has"),
    [
      .becomes("gradient_checkpointing", .any, "false", "`train.recompute: block`")
    ],
    .idle(
      [
        ("gradient_checkpointing_kwargs", .any, nil), ("selective_checkpointing", .any, nil),
        ("activation_offloading", .any, "false"), ("layer_offloading", .bool, "false"),
      ],
      "recomputation has one way"),
    [
      .becomes("output_dir", .text, "./model-out", "`export.to`: the adapter or model; metrics lie in `results/`")
    ],
    .refused(
      [("save_safetensors", .bool, "true")],
      unless: ["true"],
      "`.bin` files run code when they are loaded, and are not written",
      try: "leave it out: everything that reads `.bin` reads safetensors"),
    [
      .becomes(
        "resume_from_checkpoint", .text, nil,
        "nothing: a run that was stopped goes on by itself; a folder of Axolotl's is refused")
    ],
    .idle(
      [("auto_resume_from_checkpoints", .bool, nil), ("dynamic_checkpoint", .any, nil)],
      "a run that was stopped goes on where it was with the same command"),
    .idle(
      [("strict", .bool, "false")],
      "unknown keys are errors in any case"),
    .idle(
      [("axolotl_config_path", .text, nil)],
      "it is the path of the file"),
  ])
}
