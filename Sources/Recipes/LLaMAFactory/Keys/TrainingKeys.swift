extension ArgumentTable {
  /// The keys of LLaMA-Factory's `TrainingArguments`: the training.
  static let training = steps + machines + outside

  /// What is learned, how long, and what is written down of it.
  private static let steps: [ArgumentKey] = [
    .becomes(
      "output_dir", .text, nil,
      "`export.to`: the adapter or model; metrics lie in `results/`"),
    .idle(
      "overwrite_output_dir", .bool, "false",
      "files that a run of this project put there are replaced, others never"),
    .becomes(
      "do_train", .bool, "false",
      "the kind of file: a training"),
    .becomes(
      "do_eval", .bool, "false",
      "a node `evaluate` at the end"),
    .becomes(
      "do_predict", .bool, "false",
      "a node `evaluate`; see `predict_with_generate`"),
    .becomes(
      "eval_strategy", .choice(["no", "steps", "epoch"]), "no",
      "`train.evaluate_every` for `steps`; `epoch` measures at the end alone, which the notes say"),
    .idle(
      "prediction_loss_only", .bool, "false",
      "measures are numbers of the whole set, never all logits"),
    .becomes(
      "per_device_train_batch_size", .integer, "8",
      "`train.batch_size`, times `gradient_accumulation_steps`: rows of an optimizer step"),
    .idle(
      "per_device_eval_batch_size", .integer, "8",
      "how measuring is cut into batches changes no number"),
    .refused(
      "per_gpu_train_batch_size", .integer, nil, unless: [],
      "transformers dropped it",
      try: "`per_device_train_batch_size`"),
    .refused(
      "per_gpu_eval_batch_size", .integer, nil, unless: [],
      "transformers dropped it",
      try: "`per_device_eval_batch_size`"),
    .becomes(
      "gradient_accumulation_steps", .integer, "1",
      "`train.batch_size`, times `per_device_train_batch_size`"),
    .idle(
      "eval_accumulation_steps", .integer, nil,
      "how measuring is cut into batches changes no number"),
    .refused(
      "eval_delay", .number, "0", unless: ["0", "0.0"],
      "evaluations begin after `eval_steps`",
      try: "leave it out"),
    .idle(
      "torch_empty_cache_steps", .integer, nil,
      "there is no memory of a GPU to give back"),
    .becomes(
      "learning_rate", .number, "5e-05",
      "`train.learning_rate`"),
    .becomes(
      "weight_decay", .number, "0.0",
      "`train.optimizer.weight_decay`"),
    .becomes(
      "adam_beta1", .number, "0.9",
      "`train.optimizer.betas`"),
    .becomes(
      "adam_beta2", .number, "0.999",
      "`train.optimizer.betas`"),
    .becomes(
      "adam_epsilon", .number, "1e-08",
      "`train.optimizer.epsilon`"),
    .becomes(
      "max_grad_norm", .number, "1.0",
      "`train.max_grad_norm`; 0, which switches it off, becomes a number that no gradient reaches"),
    .becomes(
      "num_train_epochs", .number, "3.0",
      "`train.epochs`"),
    .becomes(
      "max_steps", .integer, "-1",
      "`train.max_steps`, in place of `epochs`, where it is above 0"),
    .becomes(
      "lr_scheduler_type",
      .choice([
        "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt",
        "reduce_lr_on_plateau", "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay",
      ]), "linear",
      "`train.schedule.type`"),
    .becomes(
      "lr_scheduler_kwargs", .any, "{}",
      "fields of `train.schedule`"),
    .becomes(
      "warmup_ratio", .number, "0.0",
      "`train.schedule.warmup_ratio`"),
    .becomes(
      "warmup_steps", .integer, "0",
      "`train.schedule.warmup_steps`; goes before `warmup_ratio`"),
    .idle(
      "log_level", .text, "passive",
      "how a run is logged is the program's: `anneal logs`"),
    .idle(
      "log_level_replica", .text, "warning",
      "how a run is logged is the program's: `anneal logs`"),
    .idle(
      "log_on_each_node", .bool, "true",
      "how a run is logged is the program's: `anneal logs`"),
    .idle(
      "logging_dir", .text, nil,
      "how a run is logged is the program's: `anneal logs`"),
    .becomes(
      "logging_strategy", .choice(["no", "steps", "epoch"]), "steps",
      "`train.log_every`"),
    .idle(
      "logging_first_step", .bool, "false",
      "how a run is logged is the program's: `anneal logs`"),
    .becomes(
      "logging_steps", .number, "500",
      "`train.log_every`"),
    .idle(
      "logging_nan_inf_filter", .bool, "true",
      "how a run is logged is the program's: `anneal logs`"),
    .becomes(
      "save_strategy", .choice(["no", "steps", "epoch", "best"]), "steps",
      "`best` keeps the best weights; how often checkpoints are written changes no result"),
    .becomes(
      "save_steps", .number, "500",
      "`train.save_every`: steps between the checkpoints that a run goes on from"),
    .becomes(
      "save_total_limit", .integer, nil,
      "`train.keep_checkpoints`"),
    .refused(
      "save_safetensors", .bool, "true", unless: ["true"],
      "`.bin` files run code when they are loaded, and are not written",
      try: "leave it out"),
    .idle(
      "save_on_each_node", .bool, "false",
      "checkpoints hold all that a run needs to go on in the same bits, and vanish when it has ended"),
    .idle(
      "save_only_model", .bool, "false",
      "checkpoints hold all that a run needs to go on in the same bits, and vanish when it has ended"),
    .idle(
      "restore_callback_states_from_checkpoint", .bool, "false",
      "checkpoints hold all that a run needs to go on in the same bits, and vanish when it has ended"),
    .idle(
      "no_cuda", .bool, "false",
      "there is one device, the CPU"),
    .idle(
      "use_cpu", .bool, "false",
      "there is one device, the CPU"),
    .idle(
      "use_mps_device", .bool, "false",
      "there is one device, the CPU"),
    .becomes(
      "seed", .integer, "42",
      "`seed` of `train`, `attach_adapter` and `predict`"),
    .refused(
      "data_seed", .integer, nil, unless: [],
      "the order of rows and what dropout drops follow one `seed`",
      try: "leave it out, and change `seed`"),
    .idle(
      "jit_mode_eval", .bool, "false",
      "the program is compiled already"),
    .becomes(
      "bf16", .bool, "false",
      "`load_model.compute: auto`, the fastest of bf16, int16 and f32 that the CPU has; without it `f32`"),
    .becomes(
      "fp16", .bool, "false",
      "as `bf16`"),
    .idle(
      "fp16_opt_level", .text, "O1",
      "`load_model.compute` says what products are computed in"),
    .idle(
      "half_precision_backend", .text, "auto",
      "`load_model.compute` says what products are computed in"),
    .idle(
      "bf16_full_eval", .bool, "false",
      "`load_model.compute` says what products are computed in"),
    .idle(
      "fp16_full_eval", .bool, "false",
      "`load_model.compute` says what products are computed in"),
    .idle(
      "tf32", .bool, nil,
      "`load_model.compute` says what products are computed in"),
    .idle(
      "local_rank", .integer, "-1",
      "there is one device, the CPU"),
    .idle(
      "ddp_backend", .text, nil,
      "there is one device, the CPU"),
    .idle(
      "tpu_num_cores", .integer, nil,
      "there is one device, the CPU"),
    .idle(
      "tpu_metrics_debug", .bool, "false",
      "there is one device, the CPU"),
    .idle(
      "debug", .any, "",
      "memory is measured in any case: `anneal show`"),
    .refused(
      "dataloader_drop_last", .bool, "false", unless: ["false"],
      "the last step of a pass takes the rows that are left",
      try: "leave it out"),
    .becomes(
      "eval_steps", .number, nil,
      "`train.evaluate_every`; `logging_steps` unless given, as in transformers"),
    .idle(
      "dataloader_num_workers", .integer, "0",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .idle(
      "dataloader_prefetch_factor", .integer, nil,
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .idle(
      "past_index", .integer, "-1",
      "a matter of transformers' Trainer alone"),
    .becomes(
      "run_name", .text, nil,
      "the name of the pipeline"),
    .idle(
      "disable_tqdm", .bool, nil,
      "how a run is logged is the program's: `anneal logs`"),
    .idle(
      "remove_unused_columns", .bool, "true",
      "a matter of transformers' Trainer alone"),
    .idle(
      "label_names", .any, nil,
      "a matter of transformers' Trainer alone"),
    .becomes(
      "load_best_model_at_end", .bool, "false",
      "`train.keep: best`"),
    .becomes(
      "metric_for_best_model", .text, nil,
      "`train.best_measure`"),
    .becomes(
      "greater_is_better", .bool, nil,
      "`train.best_goal`"),
    .idle(
      "ignore_data_skip", .bool, "false",
      "checkpoints hold all that a run needs to go on in the same bits, and vanish when it has ended"),
  ]
}
