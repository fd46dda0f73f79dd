extension ArgumentTable {
  /// Exports, and the engines that serve.
  static let serving: [ArgumentKey] = [
    .becomes(
      "export_dir", .text, nil,
      "`export.to`; the kind of file is then an export"),
    .idle(
      "export_size", .integer, "5",
      "weights are cut into files as the base's are, or stand in one"),
    .idle(
      "export_device", .choice(["cpu", "auto"]), "cpu",
      "there is one device"),
    .refused(
      "export_quantization_bit", .integer, nil, unless: [],
      "no quantised models are written (GPTQ)",
      try: "leave it out; `llama-quantize` of llama.cpp makes GGUF files of the exported folder"),
    .idle(
      "export_quantization_dataset", .text, nil,
      "they belong to `export_quantization_bit`"),
    .idle(
      "export_quantization_nsamples", .integer, "128",
      "they belong to `export_quantization_bit`"),
    .idle(
      "export_quantization_maxlen", .integer, "1024",
      "they belong to `export_quantization_bit`"),
    .refused(
      "export_legacy_format", .bool, "false", unless: ["false"],
      "`.bin` files run code when they are loaded, and are not written",
      try: "leave it out: everything that reads `.bin` reads safetensors"),
    .refused(
      "export_hub_model_id", .text, nil, unless: [],
      "nothing is sent to a hub",
      try: "leave it out and send the folder afterwards: `hf upload NAME FOLDER`"),
    .idle(
      "use_kt", .bool, "false",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "kt_optimize_rule", .text, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "cpu_infer", .integer, "32",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "chunk_size", .integer, "8192",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "mode", .text, "normal",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "kt_maxlen", .integer, "4096",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "kt_use_cuda_graph", .bool, "true",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "kt_mode", .text, "normal",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "kt_force_think", .bool, "false",
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it"),
    .idle(
      "vllm_maxlen", .integer, "4096",
      "vLLM is not used; it loads what is exported"),
    .idle(
      "vllm_gpu_util", .number, "0.7",
      "vLLM is not used; it loads what is exported"),
    .idle(
      "vllm_enforce_eager", .bool, "false",
      "vLLM is not used; it loads what is exported"),
    .idle(
      "vllm_max_lora_rank", .integer, "32",
      "vLLM is not used; it loads what is exported"),
    .idle(
      "vllm_config", .any, nil,
      "vLLM is not used; it loads what is exported"),
    .idle(
      "sglang_maxlen", .integer, "4096",
      "SGLang is not used; it loads what is exported"),
    .idle(
      "sglang_mem_fraction", .number, "0.7",
      "SGLang is not used; it loads what is exported"),
    .idle(
      "sglang_tp_size", .integer, "-1",
      "SGLang is not used; it loads what is exported"),
    .idle(
      "sglang_config", .any, nil,
      "SGLang is not used; it loads what is exported"),
    .idle(
      "sglang_lora_backend", .choice(["triton", "flashinfer"]), "triton",
      "SGLang is not used; it loads what is exported"),
    .idle(
      "kt_weight_path", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_expert_checkpoint_path", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_non_expert_weight_path", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_use_lora_experts", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_lora_expert_num", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_lora_expert_intermediate_size", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
    .idle(
      "kt_cpu_activation", .any, nil,
      "KTransformers puts experts on the CPU; here everything is there, and `--cores` says how much of it",
      since: "0.9.6"),
  ]
}
