import PreciseJSON

/// The keys of a configuration that are understood without being computed.
///
/// Any other key may change what the model computes, so that it is refused by name: a list of what is harmless can be
/// too short and says so; a list of what is harmful would be too short in silence.
struct KnownKeys: Sendable {
  /// Keys that decide nothing of what is computed here, whatever their value.
  var harmless: Set<String>
  /// Keys that change what is computed unless they have one of these values.
  var neutral: [String: [JSON]]

  /// Those of `config.json`: of PretrainedConfig and of the families' own classes in transformers 4 and 5.
  static let huggingFace = KnownKeys(
    harmless: bookkeeping.union(generation).union(training),
    neutral: [
      "is_causal": [true], "add_cross_attention": [false], "is_encoder_decoder": [false],
      "rope_interleaved": [false], "partial_rotary_factor": [1], "rotary_pct": [1], "use_mrope": [false],
      "qk_layernorm": [false], "use_qk_norm": [false], "qk_norm": [false], "attention_sink": [false],
      "attn_logit_softcapping": [0], "final_logit_softcapping": [0], "logit_scale": [1], "logits_scaling": [1],
      "embedding_multiplier": [1], "residual_multiplier": [1], "scale_emb": [1], "scale_depth": [1],
      "lm_head_bias": [false], "num_experts": [0], "num_local_experts": [0], "num_nextn_predict_layers": [0],
      "tie_encoder_decoder": [false], "use_bidirectional_attention": [false],
    ])

  /// Names, classes, types of storage, and what programs that wrote the file left in it.
  private static let bookkeeping: Set<String> = [
    "_name_or_path", "_commit_hash", "_attn_implementation_autoset", "_attn_implementation", "attn_implementation",
    "_attn_implementation_internal", "_experts_implementation_internal", "_flash_attn_2_enabled", "architectures",
    "auto_map", "custom_pipelines", "dtype", "id2label", "is_llama_config", "label2id", "library_name",
    "name_or_path", "num_labels", "output_attentions", "_output_attentions", "output_hidden_states", "output_scores",
    "problem_type", "return_dict", "return_dict_in_generate", "task_specific_params", "finetuning_task",
    "tf_legacy_loss",
    "tokenizer_class", "torch_dtype", "torchscript", "transformers.js_config", "transformers_version",
    "transformers_weights", "unsloth_fixed", "unsloth_version", "unsloth_tokenizer", "use_bfloat16", "use_cache",
    "use_flash_attn", "use_flash_attention_2", "license", "language", "max_sequence_length", "model_max_length",
    "seq_length", "vocab_size_or_config_json_file", "pruned_heads", "chunk_size_feed_forward",
    "cross_attention_hidden_size", "bos_token", "eos_token", "pad_token", "unk_token", "max_window_layers",
    "is_decoder",
  ]

  /// What a generation starts and ends with, and how tokens are chosen: read from `generation_config.json`.
  private static let generation: Set<String> = [
    "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "decoder_start_token_id",
    "forced_bos_token_id", "forced_eos_token_id", "begin_suppress_tokens", "suppress_tokens", "bad_words_ids",
    "do_sample",
    "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size", "length_penalty", "diversity_penalty", "early_stopping", "num_beams",
    "num_beam_groups", "num_return_sequences", "max_length", "min_length", "exponential_decay_length_penalty",
    "remove_invalid_values", "prefix", "max_new_tokens", "cache_implementation",
  ]

  /// What only somebody who trains with another program asks for.
  ///
  /// `pretraining_tp` slices products, which changes nothing but rounding; transformers 5 dropped it. Dropout in base
  /// weights is set for pre-training; adapters have their own.
  private static let training: Set<String> = [
    "attention_dropout", "attn_pdrop", "classifier_dropout", "embd_pdrop", "hidden_dropout", "hidden_dropout_prob",
    "initializer_range", "neftune_noise_alpha", "output_router_logits", "pretraining_tp", "resid_pdrop",
    "residual_dropout", "router_aux_loss_coef", "gradient_checkpointing", "embedding_dropout", "emb_pdrop", "dropout",
    "activation_dropout", "layerdrop", "init_std",
  ]

  /// Those under a GGUF architecture's prefix, without it; as llama.cpp reads them.
  static let gguf = KnownKeys(
    harmless: [
      // `vocab_size` repeats the rows of the embedding; `tensor_data_layout` names where the file came from.
      "vocab_size", "tensor_data_layout", "rope.scaling.finetuned", "rope.scaling.original_context_length",
    ],
    neutral: [
      "attention.causal": [true], "use_parallel_residual": [false], "expert_count": [0], "expert_used_count": [0],
      "logit_scale": [1], "residual_scale": [1], "embedding_scale": [1], "attention.max_alibi_bias": [0],
      "attention.clamp_kqv": [0], "rope.scaling.attn_factor": [1], "pooling_type": [0],
      "rope.scaling.yarn_ext_factor": [1], "expert_shared_count": [0], "expert_group_count": [0, 1],
      "expert_group_used_count": [0, 1], "expert_gating_func": [0], "leading_dense_block_count": [0],
      "nextn_predict_layers": [0],
    ])

  /// Those inside `rope_scaling` and `rope_parameters`.
  static let rotary = KnownKeys(
    harmless: ["original_max_position_embeddings", "finetuned"],
    neutral: ["partial_rotary_factor": [1], "attention_factor": [1]])

  /// What is wrong with a key that nothing has read.
  ///
  /// - Parameter path: What messages call the key.
  func problem(_ key: String, _ value: JSON, path: String) -> ModelConfigurationError.Problem? {
    if value.isNull || harmless.contains(key) { return nil }
    guard let accepted = neutral[key] else { return .unknown(key: path) }
    if accepted.contains(where: { Self.isSame($0, value) }) { return nil }
    return .unsupported(key: path, found: value.text(), supported: accepted.map { $0.text() })
  }

  /// Whether two values are the same; `1` and `1.0` are.
  private static func isSame(_ a: JSON, _ b: JSON) -> Bool {
    if let a = a.double, let b = b.double { return a == b }
    return a == b
  }
}
