extension ArgumentTable {
  /// The keys of LLaMA-Factory's `ModelArguments`: the model.
  static let model = weights + serving

  /// Weights, tokens, arithmetic, and what is not text.
  private static let weights: [ArgumentKey] = [
    .becomes(
      "model_name_or_path", .text, nil,
      """
      `from` of `load_model` and `load_tokenizer`: a folder, a `.gguf` file, or a name that lies in the Hugging Face \
      cache of this machine
      """),
    .becomes(
      "adapter_name_or_path", .names, nil,
      "`from` of `attach_adapter`; of several all but the last are merged first, or all, as LLaMA-Factory does"),
    .becomes(
      "adapter_folder", .text, nil,
      "a folder inside of each of `adapter_name_or_path`"),
    .becomes(
      "cache_dir", .text, nil,
      "where a model's name is looked for before the Hugging Face cache"),
    .idle(
      "use_fast_tokenizer", .bool, "true",
      "there is one tokenizer, which gives the ids of both"),
    .refused(
      "resize_vocab", .bool, "false", unless: ["false"],
      "the embedding of a model is not enlarged here",
      try: """
        enlarge tokenizer and embedding once with transformers (`resize_token_embeddings`), save the folder and name \
        it in `model_name_or_path`
        """),
    .refused(
      "split_special_tokens", .bool, "false", unless: ["false"],
      "marks in a text are read as the tokenizer's file says",
      try: "leave it out"),
    .refused(
      "add_tokens", .text, nil, unless: [],
      "tokens are not added to a tokenizer here",
      try: """
        add them once with transformers (`add_tokens`, `resize_token_embeddings`), save the folder, name it in \
        `model_name_or_path` and train them with `additional_target: embed_tokens,lm_head`
        """),
    .refused(
      "add_special_tokens", .text, nil, unless: [],
      "tokens are not added to a tokenizer here",
      try: """
        add them once with transformers (`add_tokens`, `resize_token_embeddings`), save the folder, name it in \
        `model_name_or_path` and train them with `additional_target: embed_tokens,lm_head`
        """),
    .refused(
      "new_special_tokens_config", .text, nil, unless: [],
      "tokens are not added to a tokenizer here",
      try: """
        add them once with transformers (`add_tokens`, `resize_token_embeddings`), save the folder, name it in \
        `model_name_or_path` and train them with `additional_target: embed_tokens,lm_head`
        """),
    .idle(
      "init_special_tokens", .choice(["noise_init", "desc_init", "desc_init_w_noise"]), "noise_init",
      "it belongs to `add_special_tokens`"),
    .becomes(
      "model_revision", .text, "main",
      "which of the revisions in the Hugging Face cache is taken"),
    .idle(
      "low_cpu_mem_usage", .bool, "true",
      "weights are mapped from their files and read when they are used"),
    .refused(
      "rope_scaling", .choice(["linear", "dynamic", "yarn", "llama3"]), nil, unless: [],
      "how positions turn is read from the model's own `config.json`",
      try: "write the block `rope_scaling` into it, as transformers reads it"),
    .idle(
      "flash_attn", .choice(["auto", "disabled", "sdpa", "fa2", "fa3"]), "auto",
      "attention has one implementation, which keeps no matrix of all scores"),
    .refused(
      "shift_attn", .bool, "false", unless: ["false"],
      "attention in shifted groups (LongLoRA) is not there; transformers dropped what LLaMA-Factory's needs as well",
      try: "leave it out; long texts are trained with whole attention"),
    .refused(
      "mixture_of_depths", .choice(["convert", "load"]), nil, unless: [],
      "models whose blocks skip tokens are not there",
      try: "leave it out"),
    .idle(
      "use_unsloth", .bool, "false",
      "kernels for GPUs; this program has its own for CPUs"),
    .idle(
      "use_unsloth_gc", .bool, "false",
      "kernels for GPUs; this program has its own for CPUs"),
    .idle(
      "enable_liger_kernel", .bool, "false",
      "kernels for GPUs; this program has its own for CPUs"),
    .becomes(
      "moe_aux_loss_coef", .number, nil,
      "`train.router_aux_loss_coef`"),
    .becomes(
      "disable_gradient_checkpointing", .bool, "false",
      """
      `train.recompute`: `block` where it says `false`; unless given nothing is computed twice, which is faster and \
      takes more memory, never another result
      """),
    .idle(
      "use_reentrant_gc", .bool, "true",
      "recomputation has one way"),
    .idle(
      "upcast_layernorm", .bool, "false",
      "norms are always computed in f32"),
    .idle(
      "upcast_lmhead_output", .bool, "false",
      "logits and losses are always f32"),
    .refused(
      "train_from_scratch", .bool, "false", unless: ["false"],
      "weights start as they are in the folder",
      try: """
        make a folder with random weights once with transformers (`AutoModelForCausalLM.from_config`) and name it in \
        `model_name_or_path`
        """),
    .idle(
      "infer_backend", .choice(["huggingface", "vllm", "sglang", "ktransformers"]), "huggingface",
      "answers are computed by this program"),
    .idle(
      "offload_folder", .text, "offload",
      "nothing is moved between devices"),
    .idle(
      "use_kv_cache", .bool, "true",
      "answers are always computed with a cache, training without one"),
    .idle(
      "use_v1_kernels", .bool, "false",
      "kernels for GPUs; this program has its own for CPUs"),
    .becomes(
      "infer_dtype", .choice(["auto", "float16", "bfloat16", "float32"]), "auto",
      "`merge.dtype` where a file exports; elsewhere nothing"),
    .idle(
      "hf_hub_token", .text, nil,
      "nothing is fetched or sent; the token is read by nobody and stands in no record"),
    .idle(
      "ms_hub_token", .text, nil,
      "nothing is fetched or sent; the token is read by nobody and stands in no record"),
    .idle(
      "om_hub_token", .text, nil,
      "nothing is fetched or sent; the token is read by nobody and stands in no record"),
    .idle(
      "print_param_status", .bool, "false",
      "`anneal inspect` lists a model's tensors"),
    .idle(
      "trust_remote_code", .bool, "false",
      "no code of a model's folder or of a dataset is ever run"),
    .becomes(
      "quantization_method", .choice(["bnb", "gptq", "awq", "aqlm", "quanto", "eetq", "hqq", "mxfp4", "fp8"]), "bnb",
      """
      `load_model.weights` is the same for `bnb`, `hqq` and `eetq`: the bits decide; the others belong to bases that \
      are quantised in their files
      """),
    .becomes(
      "quantization_bit", .integer, nil,
      "`load_model.weights`: `nf4` for 4, `int8` for 8"),
    .becomes(
      "quantization_type", .choice(["fp4", "nf4"]), "nf4",
      "`nf4`; `fp4` is refused"),
    .idle(
      "double_quantization", .bool, "true",
      "the scales of `nf4` are always stored as QLoRA's double quantisation does, 4.13 bits a weight"),
    .idle(
      "quantization_device_map", .choice(["auto"]), nil,
      "there is one device"),
    .idle(
      "fp8", .bool, "false",
      "CPUs have no products of 8-bit floats; `load_model.compute` says which there are"),
    .idle(
      "fp8_backend", .text, "auto",
      "CPUs have no products of 8-bit floats; `load_model.compute` says which there are"),
    .idle(
      "fp8_enable_fsdp_float8_all_gather", .bool, "false",
      "CPUs have no products of 8-bit floats; `load_model.compute` says which there are"),
    .idle(
      "image_max_pixels", .integer, "589824",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "image_min_pixels", .integer, "1024",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "image_do_pan_and_scan", .bool, "false",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "crop_to_patches", .bool, "false",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "video_max_pixels", .integer, "65536",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "video_min_pixels", .integer, "256",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "video_fps", .number, "2.0",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "video_maxlen", .integer, "128",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "use_audio_in_video", .bool, "false",
      "models see text alone; rows with images, videos or sound are refused"),
    .idle(
      "audio_sampling_rate", .integer, "16000",
      "models see text alone; rows with images, videos or sound are refused"),
  ]
}
