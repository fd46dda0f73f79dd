/// What transformers calls optimizers, and what `optimizer.type` does.
enum OptimizerNames {
  static let all: [String: String] = [
    "adamw_hf": "adamw", "adamw_torch": "adamw", "adamw_torch_fused": "adamw", "adamw_torch_xla": "adamw",
    "adamw_torch_npu_fused": "adamw", "adamw_apex_fused": "adamw", "paged_adamw": "adamw", "paged_adamw_32bit": "adamw",
    "adamw_8bit": "adamw_8bit", "adamw_bnb_8bit": "adamw_8bit", "paged_adamw_8bit": "adamw_8bit",
    "adafactor": "adafactor", "sgd": "sgd", "lion": "lion", "lion_32bit": "lion", "paged_lion": "lion",
    "paged_lion_32bit": "lion", "lomo": "lomo", "schedule_free_adamw": "adamw_schedule_free",
  ]

  /// Those whose two decay rates and epsilon are AdamW's.
  static let likeAdamW: Set<String> = [
    "adamw", "adamw_8bit", "adam_mini", "galore", "apollo", "badam", "muon", "adamw_schedule_free",
  ]
}
