/// Every key of torchtune's configurations of trainings, maps within them with dots.
enum TorchtuneKeys {
  static func keys(_ lists: [[ArgumentKey]]) -> [ArgumentKey] { lists.flatMap { $0 } }

  /// The model, its tokenizer and its files.
  static let model = keys([
    [
      .becomes(
        "model._component_", .text, nil,
        "`lora_…` is `attach_adapter`, `qlora_…` rounds the base to `nf4` besides; all of another model is trained"),
      .becomes("model.lora_attn_modules", .names, nil, "`attach_adapter.targets`; `output_proj` is `o_proj`"),
      .becomes("model.apply_lora_to_mlp", .bool, "false", "`gate_proj`, `up_proj` and `down_proj` among the targets"),
      .becomes("model.lora_rank", .integer, "8", "`attach_adapter.rank`"),
      .becomes("model.lora_alpha", .number, "16", "`attach_adapter.alpha`"),
      .becomes("model.lora_dropout", .number, "0.0", "`attach_adapter.dropout`"),
      .becomes("model.use_dora", .bool, "false", "`attach_adapter.dora`"),
      .becomes("model.quantize_base", .bool, "false", "`load_model.weights: nf4`"),
    ],
    .refused(
      [("model.apply_lora_to_output", .bool, "false")], unless: ["false"], "the head gets no LoRA here",
      try: "leave it out, or train it whole: `train_modules: [lm_head]` of `attach_adapter`"),
    .idle(
      [
        ("model.vocab_size", .any, nil), ("model.num_layers", .any, nil), ("model.num_heads", .any, nil),
        ("model.num_kv_heads", .any, nil), ("model.embed_dim", .any, nil), ("model.intermediate_dim", .any, nil),
        ("model.max_seq_len", .any, nil), ("model.attn_dropout", .any, nil), ("model.norm_eps", .any, nil),
        ("model.tie_word_embeddings", .any, nil), ("model.rope_base", .any, nil), ("model.head_dim", .any, nil),
      ], "the model is what its own `config.json` says"),
    .refused(
      [
        ("model.decoder_trainable", .any, nil), ("model.encoder_trainable", .any, nil),
        ("model.fusion_trainable", .any, nil), ("model.image_size", .any, nil),
      ], "models see text alone", try: "a model of texts"),
    [
      .becomes("tokenizer.max_seq_len", .integer, nil, "`tokenize.max_length`; without it what the model can read"),
      .becomes(
        "tokenizer.prompt_template", .any, nil, "nothing where it is null; layouts of prompts are chat templates"),
    ],
    .idle(
      [
        ("tokenizer._component_", .text, nil), ("tokenizer.path", .text, nil), ("tokenizer.merges_file", .text, nil),
        ("tokenizer.merges_path", .text, nil), ("tokenizer.vocab_path", .text, nil),
        ("tokenizer.special_tokens_path", .text, nil), ("tokenizer.special_tokens", .any, nil),
        ("tokenizer.truncation_type", .text, nil), ("tokenizer.max_num_tiles", .any, nil),
        ("tokenizer.image_size", .any, nil),
      ], "the tokenizer is read from `checkpointer.checkpoint_dir`"),
    [
      .becomes("checkpointer.checkpoint_dir", .text, nil, "`from` of `load_model` and `load_tokenizer`"),
      .becomes(
        "checkpointer._component_", .text, nil,
        "`FullModelHFCheckpointer`; files of torchtune's own and of Meta's are refused"),
    ],
    .idle(
      [
        ("checkpointer.checkpoint_files", .any, nil), ("checkpointer.model_type", .text, nil),
        ("checkpointer.output_dir", .text, nil), ("checkpointer.recipe_checkpoint", .text, nil),
        ("checkpointer.keep_last_n_checkpoints", .any, nil), ("checkpointer.safe_serialization", .bool, nil),
      ], "which files a folder has, and of which family it is, stands in the folder"),
    .refused(
      [("checkpointer.adapter_checkpoint", .text, nil)], "it is a file of torchtune's",
      try: "`recipe: sft` with `adapter: FOLDER`, where the folder is one of PEFT's"),
    .idle(
      [
        ("save_adapter_weights_only", .bool, "false"), ("use_distributed_state_dict", .any, nil),
        ("low_cpu_ram", .any, nil),
      ], "an adapter is taken away by itself, and what it stands beside stays where it is"),
  ])

  /// Rows, length, optimizer and what is written down.
  static let training = keys([
    [
      .becomes("dataset", .any, nil, "`load_dataset` of each; a map, or a list of them"),
      .becomes(
        "dataset_val", .any, nil,
        "`tokenize.validation` where it is the end of `dataset` (`split: train[95%:]`), else sets of its own"),
      .becomes("batch_size", .integer, nil, "`train.batch_size`, times `gradient_accumulation_steps`"),
      .becomes("gradient_accumulation_steps", .integer, "1", "`train.batch_size`, times `batch_size`"),
      .becomes("shuffle", .bool, "true", "`train.shuffle`"),
      .becomes("seed", .integer, nil, "`train.seed` and `attach_adapter.seed`; 42 where torchtune draws one"),
      .becomes("epochs", .integer, nil, "`train.epochs`"),
      .becomes("max_steps_per_epoch", .integer, nil, "`train.max_steps`, times `epochs`"),
      .becomes("optimizer._component_", .text, nil, "`train.optimizer.type`"),
      .becomes("optimizer.lr", .number, nil, "`train.learning_rate`"),
      .becomes("optimizer.weight_decay", .number, nil, "`train.optimizer.weight_decay`; 0.01 of AdamW unless given"),
      .becomes("optimizer.betas", .any, nil, "`train.optimizer.betas`"),
      .becomes("optimizer.eps", .number, nil, "`train.optimizer.epsilon`"),
      .becomes("optimizer.momentum", .number, nil, "`train.optimizer.momentum`"),
    ],
    .idle(
      [
        ("optimizer.fused", .bool, nil), ("optimizer.foreach", .bool, nil), ("optimizer.use_low_bit_optim", .any, nil),
        ("optimizer_in_bwd", .bool, "false"),
      ], "how steps are computed is the program's"),
    .refused(
      [("optimizer.amsgrad", .bool, "false"), ("optimizer.maximize", .bool, "false")], unless: ["false"],
      "no optimizer here does it", try: "leave it out"),
    [
      .becomes("lr_scheduler._component_", .text, nil, "`train.schedule.type`; `constant` where there is none"),
      .becomes("lr_scheduler.num_warmup_steps", .integer, nil, "`train.schedule.warmup_steps`"),
      .becomes("lr_scheduler.num_cycles", .number, "0.5", "`train.schedule.num_cycles`"),
      .becomes("clip_grad_norm", .number, nil, "`train.max_grad_norm`; none is reached where it is null"),
      .becomes("log_every_n_steps", .integer, "1", "`train.log_every`"),
      .becomes("run_val_every_n_steps", .integer, nil, "`train.evaluate_every`"),
      .becomes("enable_activation_checkpointing", .bool, "false", "`train.recompute: block`"),
      .becomes("dtype", .text, nil, "`load_model.compute`"),
      .becomes("metric_logger._component_", .text, nil, "`train.report_to` for TensorBoard's; elsewhere nothing"),
      .becomes("output_dir", .text, nil, "`export.to`: the adapter or model; metrics lie in `results/`"),
      .becomes(
        "resume_from_checkpoint", .bool, "false",
        "nothing where it is `false`; a run that was stopped goes on by itself, and from torchtune's files none does"),
    ],
    .idle(
      [
        ("metric_logger.log_dir", .text, nil), ("metric_logger.project", .text, nil),
        ("metric_logger.name", .text, nil),
        ("metric_logger.organize_logs", .any, nil), ("metric_logger.group", .text, nil),
        ("metric_logger.entity", .text, nil), ("log_peak_memory_stats", .bool, nil), ("log_level", .text, nil),
      ], "metrics and pictures lie in `results/`, and nothing is sent anywhere"),
    .idle([("batch_size_val", .integer, nil)], "how measuring is cut into batches changes no number"),
    .idle(
      [("compile", .any, "false"), ("enable_activation_offloading", .any, "false"), ("use_flex", .any, nil)],
      "it belongs to GPUs"),
    .idle(
      [
        ("device", .text, nil), ("fsdp", .any, nil), ("fsdp_cpu_offload", .any, nil),
        ("custom_sharded_layers", .any, nil),
        ("data_parallel_replicate_dim", .any, nil), ("data_parallel_shard_dim", .any, nil),
        ("tensor_parallel_dim", .any, nil), ("tensor_parallel_plan", .any, nil), ("context_parallel_dim", .any, nil),
        ("fsdp_reshard_after_forward", .any, nil),
      ], "there is one device; for a file that ran on several GPUs multiply `batch_size` by their number"),
    .idle([("profiler", .any, nil)], "`anneal report` says where the time went"),
  ])

  /// Losses beside that of supervised fine-tuning.
  static let losses = keys([
    [
      .becomes(
        "loss._component_", .text, nil,
        "`train.stage: dpo` for `DPOLoss` and `RSOLoss` (`loss: hinge`); cross entropies are `sft`"),
      .becomes("loss.beta", .number, "0.1", "`train.beta`"),
      .becomes("loss.gamma", .number, "0.1", "`train.beta` of `RSOLoss`"),
      .becomes("loss.label_smoothing", .number, "0.0", "`train.label_smoothing` of `dpo`"),
    ],
    .idle(
      [("loss.num_output_chunks", .integer, nil), ("loss.ignore_index", .any, nil)],
      "logits exist for label tokens only, a block at a time"),
    [
      .becomes(
        "kd_loss._component_", .text, nil,
        "`train.stage: distillation`, and `divergence`: `forward` or `reverse`"),
      .becomes("kd_ratio", .number, "0.5", "`train.label_weight`, which is 1 − `kd_ratio`"),
      .becomes("teacher_checkpointer.checkpoint_dir", .text, nil, "`load_model.from` of the teacher"),
      .becomes("ref_checkpointer.checkpoint_dir", .text, nil, "`load_model.from` of the reference"),
    ],
    .idle(
      [
        ("kd_loss.num_output_chunks", .integer, nil), ("kd_loss.ignore_index", .any, nil),
        ("teacher_model", .any, nil), ("teacher_checkpointer._component_", .text, nil),
        ("teacher_checkpointer.checkpoint_files", .any, nil), ("teacher_checkpointer.model_type", .text, nil),
        ("teacher_checkpointer.output_dir", .text, nil), ("teacher_checkpointer.recipe_checkpoint", .text, nil),
        ("ref_checkpointer._component_", .text, nil), ("ref_checkpointer.checkpoint_files", .any, nil),
        ("ref_checkpointer.model_type", .text, nil), ("ref_checkpointer.output_dir", .text, nil),
        ("ref_checkpointer.recipe_checkpoint", .text, nil),
      ], "which files a folder has, and of which family it is, stands in the folder"),
    .refused(
      [("quantizer", .any, nil)], "training with rounded weights in mind is not there",
      try: "leave it out, or round the frozen base of a LoRA: `model.quantize_base: true`"),
    .refused(
      [
        ("policy_model", .any, nil), ("reward_and_value_model", .any, nil), ("reward_checkpointer", .any, nil),
        ("value_checkpointer", .any, nil), ("ref_policy_checkpointer", .any, nil),
      ],
      "a reward model is known here by what a node `train` of `stage: rm` made, and not by a folder",
      try: "write the pipeline by hand: `docs/stages.md` has `stage: ppo` with `reward_model:`"),
    .idle(
      [
        ("loss.epsilon", .any, nil), ("loss.value_clip_range", .any, nil), ("loss.value_coeff", .any, nil),
        ("forward_batch_size", .any, nil), ("gamma", .any, nil), ("kl_coeff", .any, nil), ("lmbda", .any, nil),
        ("max_generated_tokens", .any, nil), ("min_response_length", .any, nil), ("num_steps", .any, nil),
        ("penalise_no_eos", .any, nil), ("ppo_batch_size", .any, nil), ("ppo_epochs", .any, nil),
        ("reward_penalty", .any, nil), ("stop_token_ids", .any, nil), ("temperature", .any, nil), ("top_k", .any, nil),
        ("whiten_rewards", .any, nil),
      ], "they belong to proximal policy optimisation, or to files that train nothing"),
    .refused(
      [
        ("tasks", .any, nil), ("limit", .any, nil), ("prompt", .any, nil), ("max_new_tokens", .any, nil),
        ("max_seq_length", .any, nil), ("enable_kv_cache", .any, nil), ("apply_chat_template", .any, nil),
      ], "the file trains nothing", try: "`anneal chat MODEL` talks with one"),
  ])

  /// Keys of a dataset.
  static let dataset = keys([
    [
      .becomes("_component_", .text, nil, "`load_dataset.format` and `columns`"),
      .becomes("source", .text, nil, "`load_dataset.from` where it is a file; `json` and `text` with `data_files`"),
      .becomes("data_files", .names, nil, "`load_dataset.from`"),
      .becomes("split", .text, "train", "`load_dataset.max_rows` for `train[:100]`; see `dataset_val`"),
      .becomes("packed", .bool, "false", "`tokenize.packing`; samples in a row never see each other"),
      .becomes("column", .text, nil, "`load_dataset.columns.text`"),
      .becomes("column_map", .any, nil, "`load_dataset.columns`"),
      .becomes("conversation_column", .text, nil, "`load_dataset.columns.messages`"),
      .becomes("conversation_style", .text, nil, "`load_dataset.format`: `sharegpt` or `openai`"),
      .becomes(
        "train_on_input", .bool, nil, "`apply_template.learn: everything`; alpaca's sets have it unless told otherwise"),
      .becomes("new_system_prompt", .text, nil, "`apply_template.system`, for rows without a system text"),
    ],
    .refused(
      [("add_eos", .bool, "true")], unless: ["true"], "the end mark closes a text", try: "leave it out"),
    .refused(
      [("split_across_pack", .bool, nil)], unless: ["true", "false"], "texts are cut and go on in the next row",
      try: "leave it out"),
    .refused(
      [("prompt_template", .any, nil), ("image_dir", .any, nil), ("filter_fn", .any, nil)],
      "prompts are laid out by a chat template, and no code of others is run", try: "leave it out"),
    .idle([("name", .text, nil)], "it decides nothing of a local file"),
  ])
}

extension KeyTable {
  /// The keys of torchtune's configurations.
  package static let torchtune = KeyTable(
    "torchtune",
    [
      Section("Model, tokenizer and files", TorchtuneKeys.model), Section("Training", TorchtuneKeys.training),
      Section("Losses", TorchtuneKeys.losses),
    ],
    formerNames: [
      "checkpointer.path": "checkpointer.checkpoint_dir", "learning_rate": "optimizer.lr",
      "num_epochs": "epochs", "datasets": "dataset",
    ])

  /// The keys of a dataset in torchtune's files.
  package static let torchtuneDataset = KeyTable(
    "torchtune", [Section("A dataset", TorchtuneKeys.dataset)], formerNames: ["path": "source"])
}
