extension ArgumentTable {
  /// Devices, optimizers by name, hubs, reports, and what is counted.
  static let machines: [ArgumentKey] = [
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
  ]
}
