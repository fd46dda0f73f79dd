extension ArgumentTable {
  /// Generation while it is evaluated, Ray, and profiles.
  static let outside: [ArgumentKey] = [
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
