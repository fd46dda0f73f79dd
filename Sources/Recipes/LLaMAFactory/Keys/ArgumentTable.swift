/// Every key of LLaMA-Factory's five classes of arguments.
enum ArgumentTable {}

extension KeyTable {
  /// LLaMA-Factory's keys by class, in the order of their declarations.
  package static let llamaFactory = KeyTable(
    "LLaMA-Factory",
    [
      Section("ModelArguments", ArgumentTable.model), Section("DataArguments", ArgumentTable.data),
      Section("TrainingArguments", ArgumentTable.training), Section("FinetuningArguments", ArgumentTable.finetuning),
      Section("GeneratingArguments", ArgumentTable.generating),
    ],
    formerNames: [
      "evaluation_strategy": "eval_strategy", "checkpoint_dir": "adapter_name_or_path", "cache_path": "tokenized_path",
      "dpo_beta": "pref_beta", "dpo_loss": "pref_loss", "dpo_ftx": "pref_ftx", "orpo_beta": "pref_beta",
      "kto_beta": "pref_beta", "num_layer_trainable": "freeze_trainable_layers",
      "name_module_trainable": "freeze_trainable_modules", "sft_packing": "packing",
      "efficient_packing": "neat_packing", "quantization": "quantization_bit", "image_resolution": "image_max_pixels",
      "video_resolution": "video_max_pixels", "finetuning_method": "finetuning_type", "dataset_name": "dataset",
      "max_seq_length": "cutoff_len", "lora_r": "lora_rank", "lora_target_modules": "lora_target",
      "export_dtype": "infer_dtype",
    ])
}
