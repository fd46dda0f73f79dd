extension AxolotlKeys {
  /// The model, its tokenizer and its tokens.
  static let model = keys([
    [
      .becomes(
        "base_model", .text, nil,
        """
        `from` of `load_model` and `load_tokenizer`: a folder, a `.gguf` file, or a name that lies in the \
        Hugging Face cache of this machine
        """),
      .becomes("model_revision", .text, nil, "which of the revisions in the Hugging Face cache is taken"),
    ],
    .idle(
      [
        ("base_model_config", .text, nil), ("cls_model_config", .text, nil), ("model_type", .text, nil),
        ("is_falcon_derived_model", .bool, nil), ("is_llama_derived_model", .bool, nil),
        ("is_mistral_derived_model", .bool, nil), ("is_qwen_derived_model", .bool, nil),
      ],
      "what kind of model it is stands in its own `config.json`"),
    [
      .becomes("tokenizer_config", .text, nil, "`load_tokenizer.from`, where it is another than the model")
    ],
    .idle(
      [
        ("tokenizer_use_fast", .bool, nil), ("tokenizer_legacy", .bool, nil), ("tokenizer_type", .text, nil),
        ("tokenizer_save_jinja_files", .bool, "true"),
      ],
      "there is one tokenizer, which gives the ids of the file it reads"),
    .refused(
      [("tokenizer_use_mistral_common", .bool, nil)],
      unless: ["false"],
      "prompts are laid out by the model's own chat template",
      try: "a folder with `tokenizer.json` and a chat template"),
    .refused(
      [("model_config", .any, nil), ("model_kwargs", .any, nil)],
      "a model is read as its own `config.json` says",
      try: "write it into the `config.json` of a copy of the folder"),
    .idle(
      [("trust_remote_code", .bool, nil)],
      "no code of a model's folder or of a dataset is ever run"),
    .refused(
      [("reinit_weights", .bool, nil)],
      unless: ["false"],
      "weights start as they are in the folder",
      try: "make a folder with random weights once with transformers and name it in `base_model`"),
    .refused(
      [("num_labels", .integer, nil)],
      "heads that classify are not there",
      try: "leave it out; a model can be taught to say the label"),
    .refused(
      [("model_quantization_config", .any, nil)],
      "it says how the files of a base are quantised",
      try: "a base in bf16 or f32, or a GGUF file"),
    .idle(
      [("model_quantization_config_kwargs", .any, nil)],
      "it belongs to `model_quantization_config`"),
    .refused(
      [("use_onebitllms", .bool, nil)],
      unless: ["false"],
      "models of ternary weights are not there",
      try: "leave it out"),
    .refused(
      [("tokens", .names, nil)],
      "tokens are not added to a tokenizer here",
      try:
        """
        add them once with transformers (`add_tokens`, `resize_token_embeddings`), save the folder and name it \
        in `base_model`
        """),
    .refused(
      [("added_tokens_overrides", .any, nil)],
      "a tokenizer is read as its files say",
      try: "rename the tokens in `tokenizer.json` of a copy of the folder"),
    .idle(
      [("special_tokens.pad_token", .text, nil)],
      "nothing is padded"),
    [
      .becomes("special_tokens.bos_token", .text, nil, "nothing where it is the tokenizer's own, which it has to be"),
      .becomes("special_tokens.eos_token", .text, nil, "nothing where it is the tokenizer's own, which it has to be"),
      .becomes("special_tokens.unk_token", .text, nil, "nothing where it is the tokenizer's own, which it has to be"),
    ],
    .refused(
      [("special_tokens.additional_special_tokens", .any, nil)],
      "tokens are not added to a tokenizer here",
      try:
        """
        add them once with transformers (`add_special_tokens`, `resize_token_embeddings`), save the folder and \
        name it in `base_model`
        """),
    .idle(
      [
        ("resize_token_embeddings_to_32x", .bool, nil), ("mean_resizing_embeddings", .bool, "false"),
        ("shrink_embeddings", .bool, nil),
      ],
      "the embedding has the size that it has in the folder"),
    .refused(
      [("fix_untrained_tokens", .any, nil)],
      "weights start as they are in the folder",
      try: "leave it out"),
    .refused(
      [("s2_attention", .bool, nil)],
      unless: ["false"],
      "Axolotl dropped it",
      try: "leave it out"),
    .refused(
      [("rope_scaling", .any, nil)],
      "how positions turn is read from the model's own `config.json`",
      try: "write the block `rope_scaling` into it, as transformers reads it"),
    .refused(
      [("use_pose", .bool, nil)],
      unless: ["false"],
      "positions are those of the tokens",
      try: "leave it out; long texts are trained whole"),
    .idle(
      [
        ("pose_split_on_token_ids", .any, nil), ("pose_max_context_len", .integer, nil),
        ("pose_num_chunks", .integer, nil),
      ],
      "they belong to `use_pose`"),
    .refused(
      [("scaling_softmax", .bool, nil)],
      unless: ["false"],
      "attention is the model's own",
      try: "leave it out"),
    .idle(
      [("scaling_softmax_factor", .number, nil), ("scaling_softmax_bias", .number, nil)],
      "they belong to `scaling_softmax`"),
  ])
}
