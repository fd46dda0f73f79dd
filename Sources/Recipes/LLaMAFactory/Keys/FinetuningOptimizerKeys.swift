extension ArgumentTable {
  /// Optimizers of few states, reports, and what was added later.
  static let optimizersAndReports: [ArgumentKey] = [
    .becomes(
      "use_galore", .bool, "false",
      "`train.optimizer.type: galore`"),
    .refused(
      "galore_target", .text, "all", unless: ["all"],
      "the optimizer projects every matrix of the blocks",
      try: "leave it out"),
    .becomes(
      "galore_rank", .integer, "16",
      "`train.optimizer.rank`"),
    .becomes(
      "galore_update_interval", .integer, "200",
      "`train.optimizer.update_proj_gap`"),
    .becomes(
      "galore_scale", .number, "2.0",
      "`train.optimizer.scale`"),
    .becomes(
      "galore_proj_type", .choice(["std", "reverse_std", "right", "left", "full"]), "std",
      "`train.optimizer.proj_type`; `full` is refused"),
    .idle(
      "galore_layerwise", .bool, "false",
      "it saves memory of gradients, and changes steps only by leaving out `max_grad_norm`, which holds here"),
    .becomes(
      "use_apollo", .bool, "false",
      "`train.optimizer.type: apollo`"),
    .refused(
      "apollo_target", .text, "all", unless: ["all"],
      "the optimizer projects every matrix of the blocks",
      try: "leave it out"),
    .becomes(
      "apollo_rank", .integer, "16",
      "`train.optimizer.rank`"),
    .becomes(
      "apollo_update_interval", .integer, "200",
      "`train.optimizer.update_proj_gap`"),
    .becomes(
      "apollo_scale", .number, "32.0",
      "`train.optimizer.scale`"),
    .becomes(
      "apollo_proj", .choice(["svd", "random"]), "random",
      "`train.optimizer.proj`"),
    .refused(
      "apollo_proj_type", .choice(["std", "right", "left"]), "std", unless: ["std"],
      "APOLLO projects the shorter side of a matrix",
      try: "leave it out"),
    .becomes(
      "apollo_scale_type", .choice(["channel", "tensor"]), "channel",
      "`train.optimizer.scale_type`"),
    .idle(
      "apollo_layerwise", .bool, "false",
      "it saves memory of gradients, and changes steps only by leaving out `max_grad_norm`, which holds here"),
    .becomes(
      "apollo_scale_front", .bool, "false",
      "`train.optimizer.scale_front`"),
    .becomes(
      "use_badam", .bool, "false",
      "`train.optimizer.type: badam`"),
    .refused(
      "badam_mode", .choice(["layer", "ratio"]), "layer", unless: ["layer"],
      "parts of matrices are not trained by ratio",
      try: "`badam_mode: layer`"),
    .refused(
      "badam_start_block", .integer, nil, unless: [],
      "turns begin as `badam_switch_mode` says",
      try: "leave it out"),
    .becomes(
      "badam_switch_mode", .choice(["ascending", "descending", "random", "fixed"]), "ascending",
      "`train.optimizer.switch_mode`; `fixed` is refused"),
    .becomes(
      "badam_switch_interval", .integer, "50",
      "`train.optimizer.switch_every`; -1 is refused"),
    .idle(
      "badam_update_ratio", .number, "0.05",
      "they belong to `badam_mode: ratio`, which is refused"),
    .idle(
      "badam_mask_mode", .choice(["adjacent", "scatter"]), "adjacent",
      "they belong to `badam_mode: ratio`, which is refused"),
    .idle(
      "badam_verbose", .integer, "0",
      "how a run is logged is the program's: `anneal logs`"),
    .idle(
      "use_swanlab", .bool, "false",
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_project", .text, "llamafactory",
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_workspace", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_run_name", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_mode", .choice(["cloud", "local"]), "cloud",
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_api_key", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_logdir", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_lark_webhook_url", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      "swanlab_lark_secret", .text, nil,
      "nothing is sent anywhere; `metrics.jsonl`, TensorBoard's file and pictures lie in `results/`"),
    .becomes(
      "pure_bf16", .bool, "false",
      "as `bf16`: weights that are trained, gradients and the optimizer's state are f32"),
    .becomes(
      "stage", .choice(["pt", "sft", "rm", "ppo", "dpo", "kto"]), "sft",
      "`train.stage`"),
    .becomes(
      "finetuning_type", .choice(["lora", "oft", "freeze", "full"]), "lora",
      "`lora` and `oft` `attach_adapter.method`, `freeze` `train.trainable`, `full` all of the model"),
    .becomes(
      "use_llama_pro", .bool, "false",
      "`train.trainable: {type: new_blocks}`, or `attach_adapter.layers`"),
    .becomes(
      "use_adam_mini", .bool, "false",
      "`train.optimizer.type: adam_mini`"),
    .refused(
      "use_mca", .bool, "false", unless: ["false"],
      "Megatron spreads a training over GPUs",
      try: "leave it out"),
    .becomes(
      "use_muon", .bool, "false",
      "`train.optimizer.type: muon`"),
    .becomes(
      "use_dft_loss", .bool, "false",
      "`train.loss: dft`"),
    .idle(
      "freeze_vision_tower", .bool, "true",
      "models see text alone"),
    .idle(
      "freeze_multi_modal_projector", .bool, "true",
      "models see text alone"),
    .refused(
      "freeze_language_model", .bool, "false", unless: ["false"],
      "models see text alone, so there would be nothing to train",
      try: "leave it out"),
    .idle(
      "compute_accuracy", .bool, "false",
      "accuracy is always measured"),
    .becomes(
      "disable_shuffling", .bool, "false",
      "`train.shuffle: false`"),
    .becomes(
      "early_stopping_steps", .integer, nil,
      "`train.early_stopping.patience`, in evaluations as there"),
    .idle(
      "plot_loss", .bool, "false",
      "`loss.svg` is always drawn"),
    .idle(
      "include_effective_tokens_per_second", .bool, "false",
      "tokens and their rate are always in `metrics.jsonl`"),
    .becomes(
      "use_eaft_loss", .bool, "false",
      "`train.loss: eaft`", since: "0.9.6"),
    .becomes(
      "eaft_alpha", .number, "1.0",
      "`train.eaft_alpha`", since: "0.9.6"),
    .becomes(
      "use_asft_loss", .bool, "false",
      "`train.loss: asft`", since: "0.9.6"),
    .becomes(
      "asft_alpha", .number, "0.1",
      "`train.asft_weight`", since: "0.9.6"),
    .refused(
      "use_hyper_parallel", .bool, "false", unless: ["false"],
      "it spreads a training over GPUs",
      try: "leave it out", since: "0.9.6"),
    .idle(
      "hyper_parallel_args", .any, nil,
      "they spread a training over GPUs", since: "0.9.6"),
    .idle(
      "hyper_parallel_cp_size", .any, nil,
      "they spread a training over GPUs", since: "0.9.6"),
    .refused(
      "use_megatron_bridge", .bool, "false", unless: ["false"],
      "it spreads a training over GPUs",
      try: "leave it out", since: "0.9.6"),
    .idle(
      "megatron_bridge_args", .any, nil,
      "they spread a training over GPUs", since: "0.9.6"),
  ]
}
