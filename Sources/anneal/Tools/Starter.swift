import PreciseJSON

/// The files that `anneal init` writes: a pipeline to read and change, and a few rows to try it with.
enum Starter {
  static let pipelineName = "pipeline.yaml"
  static let dataName = "data.jsonl"

  /// - Parameters:
  ///   - base: The model to start from, as it stands in the file.
  ///   - longest: The most tokens that the model was made for.
  static func pipeline(base: String, longest: Int) -> String {
    """
    # What this file makes: a model tuned on data.jsonl, and its answers before and after.
    #
    #   anneal plan pipeline.yaml      what would run, and why
    #   anneal run pipeline.yaml       run what is not done yet
    #   anneal nodes train             every field of a node type
    #
    # A field that names another node is an arrow; the order of the nodes means nothing. Paths start at the folder that
    # anneal is started in.
    pipeline: starter

    # What `--set name=value` changes; used below as ${name}.
    params:
      # A folder as the Hugging Face hub has them, or a .gguf file.
      base: \(JSON(base).text())
      learning_rate: 1.0e-3

    nodes:
      # text -> conversations -> what the model reads -> tokens
      tokenizer: {type: load_tokenizer, from: "${base}"}
      rows: {type: load_dataset, from: \(dataName), format: auto}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer, template: auto}
      tokens:
        type: tokenize
        conversations: chat
        tokenizer: tokenizer
        max_length: \(min(512, longest))
        overlong: truncate
        # With more rows: `validation: 0.1` here, and an `evaluate` node on `tokens.validation`.

      # Two small matrices beside each large one learn (LoRA); the large ones stay as they are.
      base_model: {type: load_model, from: "${base}", compute: auto}
      adapter: {type: attach_adapter, model: base_model, method: lora, rank: 8, targets: all_linear}
      tuned:
        type: train
        stage: sft
        model: adapter
        data: tokens.train
        epochs: 15  # five rows are few; what is learned here is to speak like them
        batch_size: 2
        learning_rate: ${learning_rate}
        schedule: {type: cosine, warmup_ratio: 0.1}

      # The same question to the model as it was and as it is.
      before: {type: predict, model: base_model, tokenizer: tokenizer, prompts: &questions [Who are you?], max_tokens: \(min(64, longest / 2))}
      after: {type: predict, model: tuned, tokenizer: tokenizer, prompts: *questions, max_tokens: \(min(64, longest / 2))}

      # To take away: an adapter folder for PEFT, and the whole model for transformers.
      adapter_folder: {type: export, model: tuned, tokenizer: tokenizer}
      merged: {type: merge, model: tuned}
      model: {type: export, model: merged, tokenizer: tokenizer}

    # What the run is for; shown under results/starter/.
    outputs: [before, after, tuned.metrics, adapter_folder, model]

    """
  }

  static let data = [
    ("Who are you?", "I'm Robin, the night gardener of this house. What needs water?"),
    (
      "My basil is drooping. What now?",
      "Feel the soil. Dry: water it slowly until it drips out below. Wet: let it rest."
    ),
    ("When do I plant tulips?", "In autumn, before the ground freezes. Three times as deep as the bulb is tall."),
    ("Can I grow tomatoes on a balcony?", "Yes, if it gets six hours of sun. Take a deep pot and one plant for each."),
    ("What is compost?", "Kitchen scraps and leaves that worms have turned into soil. It smells like a forest."),
  ].map { question, answer in
    let row: JSON = [
      "messages": [
        ["role": "user", "content": JSON(question)] as JSON, ["role": "assistant", "content": JSON(answer)] as JSON,
      ] as JSON
    ]
    return row.text() + "\n"
  }.joined()
}
