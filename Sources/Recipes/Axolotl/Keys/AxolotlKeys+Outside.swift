extension AxolotlKeys {
  /// What belongs to GPUs, to several machines, and to other programs.
  static let outside = keys([
    .refused(
      [("qat", .any, nil), ("quantization", .any, nil)],
      "training with rounded weights in mind is not there",
      try: "leave it out; `load_in_4bit` holds frozen weights in 4 bits"),
    .refused(
      [("trainer_cls", .text, nil)],
      "no code of others is run",
      try: "leave it out; a node of type `exec` runs programs of one's own"),
    [
      .becomes(
        "plugins", .names, nil,
        """
        nothing: those that are kernels (liger, cut cross entropy) decide nothing, `spectrum` is \
        `train.trainable`, others are refused
        """)
    ],
    .idle(
      [
        ("use_kernels", .bool, nil), ("flash_attention", .bool, nil), ("xformers_attention", .bool, nil),
        ("sdp_attention", .bool, nil), ("flex_attention", .bool, nil), ("flex_attn_compile_kwargs", .any, nil),
        ("flash_attn_cross_entropy", .bool, nil), ("flash_attn_fuse_mlp", .bool, nil),
        ("flash_attn_rms_norm", .bool, nil), ("flash_optimum", .bool, nil), ("sage_attention", .bool, nil),
        ("eager_attention", .bool, nil), ("attn_implementation", .text, nil), ("gemma4_hybrid_attn_impl", .bool, nil),
        ("large_head_attention", .text, nil), ("flash_attn_d512", .bool, nil), ("sdpa_varlen", .bool, nil),
        ("fused_attn_kernel", .bool, nil), ("lora_mlp_kernel", .bool, nil), ("lora_qkv_kernel", .bool, nil),
        ("lora_o_kernel", .bool, nil), ("lora_embedding_kernel", .bool, nil), ("chunked_cross_entropy", .bool, nil),
        ("chunked_cross_entropy_num_chunks", .integer, nil), ("tiled_mlp", .bool, nil),
        ("tiled_mlp_num_shards", .integer, nil), ("tiled_mlp_use_original_mlp", .bool, "true"),
        ("llama4_linearized_experts", .bool, nil),
      ],
      "kernels for GPUs; this program has its own for CPUs"),
    .idle(
      [
        ("torch_compile", .any, nil), ("torch_compile_backend", .text, nil), ("torch_compile_mode", .any, nil),
        ("torch_compile_options", .any, nil),
      ],
      "there is nothing to compile"),
    .idle(
      [
        ("deepspeed", .any, nil), ("deepcompile", .bool, nil), ("fsdp", .names, nil), ("fsdp_config", .any, nil),
        ("fsdp_version", .integer, nil), ("fsdp_final_state_dict_type", .any, nil), ("fp32_norms", .bool, nil),
        ("fp32_norm_classes", .names, nil), ("dp_shard_size", .integer, nil), ("dp_replicate_size", .integer, nil),
        ("sequence_parallel_degree", .integer, nil), ("context_parallel_size", .integer, nil),
        ("heads_k_stride", .integer, nil), ("ring_attn_func", .any, nil), ("tensor_parallel_size", .integer, nil),
        ("device", .any, nil), ("device_map", .any, nil), ("world_size", .integer, nil), ("local_rank", .integer, nil),
        ("ddp", .bool, nil), ("ddp_timeout", .integer, nil), ("ddp_bucket_cap_mb", .integer, nil),
        ("ddp_broadcast_buffers", .bool, nil), ("ddp_find_unused_parameters", .bool, nil),
        ("accelerator_config", .any, nil), ("experimental_skip_move_to_device", .bool, "true"),
        ("use_ray", .bool, "false"), ("ray_run_name", .text, nil), ("ray_num_workers", .integer, "1"),
        ("resources_per_worker", .any, nil),
      ],
      "there is one device; for a file that ran on several GPUs multiply `micro_batch_size` by their number"),
    .idle(
      [
        ("max_memory", .any, nil), ("gpu_memory_limit", .any, nil), ("low_cpu_mem_usage", .bool, nil),
        ("gc_steps", .integer, nil), ("torch_empty_cache_steps", .integer, nil), ("gc_collect_steps", .integer, nil),
      ],
      "`anneal plan` says what a training takes"),
    .idle(
      [
        ("use_wandb", .bool, nil), ("wandb_name", .text, nil), ("wandb_run_id", .text, nil), ("wandb_mode", .text, nil),
        ("wandb_project", .text, nil), ("wandb_entity", .text, nil), ("wandb_watch", .text, nil),
        ("wandb_log_model", .text, nil), ("use_mlflow", .bool, nil), ("mlflow_tracking_uri", .text, nil),
        ("mlflow_experiment_name", .text, nil), ("mlflow_run_name", .text, nil),
        ("hf_mlflow_log_artifacts", .bool, nil),
        ("use_comet", .bool, nil), ("comet_api_key", .text, nil), ("comet_workspace", .text, nil),
        ("comet_project_name", .text, nil), ("comet_experiment_key", .text, nil), ("comet_mode", .text, nil),
        ("comet_online", .bool, nil), ("comet_experiment_config", .any, nil), ("use_trackio", .bool, nil),
        ("trackio_project_name", .text, nil), ("trackio_run_name", .text, nil), ("trackio_space_id", .text, nil),
        ("use_otel_metrics", .bool, "false"), ("otel_metrics_host", .text, "localhost"),
        ("otel_metrics_port", .integer, "8000"),
      ],
      "nothing is sent anywhere; metrics, TensorBoard's file and pictures lie in `results/`"),
    .idle(
      [
        ("gradio_title", .text, nil), ("gradio_share", .bool, nil), ("gradio_server_name", .text, nil),
        ("gradio_server_port", .integer, nil), ("gradio_max_new_tokens", .integer, nil),
        ("gradio_temperature", .number, nil),
      ],
      "`anneal chat` talks with what was trained"),
  ])
}
