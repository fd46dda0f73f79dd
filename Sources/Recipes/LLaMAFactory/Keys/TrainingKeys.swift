extension ArgumentTable {
  /// The keys of LLaMA-Factory's `TrainingArguments`: the training.
  static let training: [ArgumentKey] = [
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
    .idle(
      "fsdp", .any, nil,
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .idle(
      "fsdp_min_num_params", .integer, "0",
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .idle(
      "fsdp_config", .any, nil,
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .idle(
      "fsdp_transformer_layer_cls_to_wrap", .text, nil,
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .idle(
      "accelerator_config", .any, nil,
      "a matter of transformers' Trainer alone"),
    .idle(
      "parallelism_config", .any, nil,
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .idle(
      "deepspeed", .any, nil,
      """
      it spreads weights over GPUs and changes no result; `batch_size` counts one device, so multiply it by the \
      number there were
      """),
    .becomes(
      "label_smoothing_factor", .number, "0.0",
      "`train.label_smoothing` of `sft` and `pt`"),
    .becomes(
      "optim",
      .choice([
        "adamw_torch", "adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused", "adamw_apex_fused", "adafactor",
        "adamw_anyprecision", "adamw_torch_4bit", "adamw_torch_8bit", "ademamix", "sgd", "adagrad", "adamw_bnb_8bit",
        "adamw_8bit", "ademamix_8bit", "lion_8bit", "lion_32bit", "paged_adamw_32bit", "paged_adamw_8bit",
        "paged_ademamix_32bit", "paged_ademamix_8bit", "paged_lion_32bit", "paged_lion_8bit", "rmsprop", "rmsprop_bnb",
        "rmsprop_bnb_8bit", "rmsprop_bnb_32bit", "galore_adamw", "galore_adamw_8bit", "galore_adafactor",
        "galore_adamw_layerwise", "galore_adamw_8bit_layerwise", "galore_adafactor_layerwise", "lomo", "adalomo",
        "grokadamw", "schedule_free_radam", "schedule_free_adamw", "schedule_free_sgd", "apollo_adamw",
        "apollo_adamw_layerwise", "stable_adamw",
      ]), "adamw_torch_fused",
      "`train.optimizer.type`"),
    .refused(
      "optim_args", .text, nil, unless: [],
      "options of other optimizers than those above are not read",
      try: "say them in the pipeline: `anneal expand` writes it"),
    .refused(
      "adafactor", .bool, "false", unless: ["false"],
      "transformers dropped it",
      try: "`optim: adafactor`"),
    .idle(
      "group_by_length", .bool, "false",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .idle(
      "length_column_name", .text, "length",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .becomes(
      "report_to", .names, nil,
      """
      `train.report_to`: TensorBoard's file; `metrics.jsonl` and `trainer_state.json` are always there. Nothing is \
      sent anywhere
      """),
    .idle(
      "project", .text, "huggingface",
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "trackio_space_id", .text, "trackio",
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "ddp_find_unused_parameters", .bool, nil,
      "there is one device, the CPU"),
    .idle(
      "ddp_bucket_cap_mb", .integer, nil,
      "there is one device, the CPU"),
    .idle(
      "ddp_broadcast_buffers", .bool, nil,
      "there is one device, the CPU"),
    .idle(
      "dataloader_pin_memory", .bool, "true",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .idle(
      "dataloader_persistent_workers", .bool, "false",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .idle(
      "skip_memory_metrics", .bool, "true",
      "memory is measured in any case: `anneal show`"),
    .idle(
      "use_legacy_prediction_loop", .bool, "false",
      "a matter of transformers' Trainer alone"),
    .refused(
      "push_to_hub", .bool, "false", unless: ["false"],
      "nothing is sent to a hub",
      try: "leave it out and send the folder afterwards: `hf upload NAME FOLDER`"),
    .becomes(
      "resume_from_checkpoint", .text, nil,
      "nothing where it is `true`: a run that was stopped goes on by itself. The path of a checkpoint is refused"),
    .idle(
      "hub_model_id", .text, nil,
      "they belong to `push_to_hub`"),
    .idle(
      "hub_strategy", .choice(["end", "every_save", "checkpoint", "all_checkpoints"]), "every_save",
      "they belong to `push_to_hub`"),
    .idle(
      "hub_token", .text, nil,
      "nothing is fetched or sent; the token is read by nobody and stands in no record"),
    .idle(
      "hub_private_repo", .bool, nil,
      "they belong to `push_to_hub`"),
    .idle(
      "hub_always_push", .bool, "false",
      "they belong to `push_to_hub`"),
    .idle(
      "hub_revision", .text, nil,
      "they belong to `push_to_hub`"),
    .becomes(
      "gradient_checkpointing", .bool, "false",
      "`train.recompute: block`"),
    .idle(
      "gradient_checkpointing_kwargs", .any, nil,
      "recomputation has one way"),
    .idle(
      "include_inputs_for_metrics", .bool, "false",
      "a matter of transformers' Trainer alone"),
    .idle(
      "include_for_metrics", .any, "[]",
      "a matter of transformers' Trainer alone"),
    .idle(
      "eval_do_concat_batches", .bool, "true",
      "how measuring is cut into batches changes no number"),
    .idle(
      "fp16_backend", .text, "auto",
      "`load_model.compute` says what products are computed in"),
    .idle(
      "push_to_hub_model_id", .text, nil,
      "they belong to `push_to_hub`"),
    .idle(
      "push_to_hub_organization", .text, nil,
      "they belong to `push_to_hub`"),
    .idle(
      "push_to_hub_token", .text, nil,
      "nothing is fetched or sent; the token is read by nobody and stands in no record"),
    .idle(
      "mp_parameters", .text, "",
      "there is one device, the CPU"),
    .idle(
      "auto_find_batch_size", .bool, "false",
      "how the rows of a step are laid out is the program's; it never changes how many they are"),
    .idle(
      "full_determinism", .bool, "false",
      "results are the same bits in every run"),
    .idle(
      "torchdynamo", .text, nil,
      "the program is compiled already"),
    .idle(
      "ray_scope", .text, "last",
      "there is one device, the CPU"),
    .idle(
      "ddp_timeout", .integer, "1800",
      "there is one device, the CPU"),
    .idle(
      "torch_compile", .bool, "false",
      "the program is compiled already"),
    .idle(
      "torch_compile_backend", .text, nil,
      "the program is compiled already"),
    .idle(
      "torch_compile_mode", .text, nil,
      "the program is compiled already"),
    .idle(
      "include_tokens_per_second", .bool, "false",
      "tokens and their rate are always in `metrics.jsonl`"),
    .idle(
      "include_num_input_tokens_seen", .any, "false",
      "tokens and their rate are always in `metrics.jsonl`"),
    .becomes(
      "neftune_noise_alpha", .number, nil,
      "`train.neftune_alpha` of `sft` and `pt`"),
    .refused(
      "optim_target_modules", .any, nil, unless: [],
      "options of other optimizers than those above are not read",
      try: "say them in the pipeline: `anneal expand` writes it"),
    .idle(
      "batch_eval_metrics", .bool, "false",
      "how measuring is cut into batches changes no number"),
    .becomes(
      "eval_on_start", .bool, "false",
      "`train.evaluate_first`"),
    .idle(
      "use_liger_kernel", .bool, "false",
      "kernels for GPUs; this program has its own for CPUs"),
    .idle(
      "liger_kernel_config", .any, nil,
      "kernels for GPUs; this program has its own for CPUs"),
    .idle(
      "eval_use_gather_object", .bool, "false",
      "there is one device, the CPU"),
    .idle(
      "average_tokens_across_devices", .bool, "true",
      "there is one device, the CPU"),
    .idle(
      "sortish_sampler", .bool, "false",
      "tokens lie in files that are mapped; nothing is padded, so rows need no sorting"),
    .becomes(
      "predict_with_generate", .bool, "false",
      "`predict`"),
    .idle(
      "generation_max_length", .integer, nil,
      "`max_new_tokens` says how long answers may be"),
    .refused(
      "generation_num_beams", .integer, nil, unless: ["1"],
      "answers are sampled or the likeliest; there is no beam search",
      try: "leave it out"),
    .refused(
      "generation_config", .any, nil, unless: [],
      "how answers are sampled stands in the keys of the class below",
      try: "`temperature`, `top_p`, `max_new_tokens`"),
    .idle(
      "ray_run_name", .text, nil,
      "Ray is not used"),
    .idle(
      "ray_storage_path", .text, "./saves",
      "Ray is not used"),
    .idle(
      "ray_storage_filesystem", .choice(["s3", "gs", "gcs"]), nil,
      "Ray is not used"),
    .idle(
      "ray_num_workers", .integer, "1",
      "Ray is not used; `batch_size` counts one device, so multiply it by the number of workers there were"),
    .idle(
      "resources_per_worker", .any, "{GPU: 1}",
      "Ray is not used"),
    .idle(
      "placement_strategy", .choice(["SPREAD", "PACK", "STRICT_SPREAD", "STRICT_PACK"]), "PACK",
      "Ray is not used"),
    .idle(
      "ray_init_kwargs", .any, nil,
      "Ray is not used"),
    .idle(
      "enable_torch_profiler", .bool, "false",
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profile_modules", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_active_steps", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_output_dir", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_profile_memory", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_record_shapes", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_repeat", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_wait_steps", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_warmup_steps", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "profiler_with_stack", .any, nil,
      "the profiler is torch's", since: "0.9.6"),
    .idle(
      "master_addr", .any, nil,
      "there is one machine", since: "0.9.6"),
    .idle(
      "master_port", .any, nil,
      "there is one machine", since: "0.9.6"),
  ]
}
