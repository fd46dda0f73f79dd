import Foundation
import PreciseJSON
import TestKit
import Testing

/// Recipes, and files of Axolotl's and torchtune's, run as they stand; what they become is an ordinary pipeline.
@Suite(.serialized) struct RecipeTests {
  private static let recipe = """
    recipe: sft
    model: tiny
    data: data.jsonl
    validation: 0.2
    out: out
    max_steps: 2
    batch_size: 4
    learning_rate: 1e-3
    rank: 4
    max_length: 128
    overlong: truncate
    evaluate_every: 1

    """

  @Test("a recipe is planned, run, changed by what stands behind it, and expanded")
  func theRecipe() throws {
    let project = try Project(rows: 30)
    try project.folder.write(Self.recipe, to: "recipe.yaml")
    let plan = try project.anneal("plan", "recipe.yaml")
    #expect(plan.code == 0 && plan.output.contains("train"), "\(plan.messages)")
    let run = try project.anneal("run", "recipe.yaml", "rank=8")
    #expect(run.code == 0, "\(run.messages)")
    #expect(
      run.messages.hasPrefix(
        "recipe.yaml is a recipe: 12 keys became a pipeline of 9 nodes; `anneal expand` shows it\n"), "\(run.messages)")
    let adapter = try readJSON(project.folder.path("out/adapter_config.json"))
    #expect(adapter["r"]?.int == 8 && adapter["base_model_name_or_path"]?.string == "tiny")
    #expect(FileManager.default.fileExists(atPath: project.folder.path("results/recipe/evaluate/metrics.json")))
    let expanded = try project.anneal("expand", "recipe.yaml", "rank=8")
    #expect(expanded.code == 0 && expanded.messages.isEmpty, "\(expanded.messages)")
    try project.folder.write(expanded.output, to: "pipeline2.yaml")
    let again = try project.anneal("run", "pipeline2.yaml")
    #expect(again.code == 0, "\(again.messages)")
    #expect(try Set(project.states().values) == ["cached"], "what is written is what ran")
  }

  @Test("what is wrong is told at the recipe's line and key")
  func problems() throws {
    let project = try Project(rows: 3)
    try project.folder.write(
      "recipe: sft\nmodel: tiny\ndata: data.jsonl\nlerning_rate: 1e-3\nepochs: -1\n", to: "recipe.yaml")
    let outcome = try project.anneal("validate", "recipe.yaml")
    #expect(outcome.code == 2)
    #expect(
      outcome.messages == """
        recipe.yaml:4:1: error: Recipes have no key `lerning_rate`
            lerning_rate: 1e-3
            ^
          at `lerning_rate`
          try: `learning_rate`
        recipe.yaml:5:9: error: `-1` is out of range
            epochs: -1
                    ^
          at `epochs`
          why: it must be above 0 and at most 1000000

        """, "\(outcome.messages)")
    try project.folder.write("learning: 1\nmodels: 2\n", to: "other.yaml")
    let unknown = try project.anneal("validate", "other.yaml")
    #expect(
      unknown.code == 2
        && unknown.messages.contains("The file is neither a pipeline nor one that becomes a pipeline")
        && unknown.messages.contains("a recipe `recipe`"), "\(unknown.messages)")
  }

  /// Keys behind model and length, by stage.
  private static let stages = [
    "recipe: pt\ndata: texts.jsonl", "recipe: dpo\ndata: pairs.jsonl\nvalidation: 0.3\nbeta: 0.2",
    "recipe: orpo\ndata: pairs.jsonl", "recipe: kto\ndata: judged.jsonl",
    "recipe: rm\ndata: pairs.jsonl\nvalidation: 0.3",
    "recipe: sft\nadapter: none\ndata: chat.jsonl\nmerge: false",
    "recipe: sft\ndata: chat.jsonl\nmerge: true\nprompts: [Hi]\nanswers.max_tokens: 2",
    "recipe: distillation\ndata: chat.jsonl\nteacher: tiny\nvalidation: 0.3",
    "recipe: grpo\ndata: prompts.jsonl\nkeep_columns: [answer]\nrewards: [{type: answer, source: last_number}]\ngenerations: 2\nmax_completion: 4",
  ]

  private static func rows(_ project: Project) throws {
    func lines(_ row: (Int) -> String) -> String { (0..<16).map(row).joined(separator: "\n") + "\n" }
    try project.folder.write(lines { #"{"text": "A text about \#($0), and more."}"# }, to: "texts.jsonl")
    try project.folder.write(
      lines { #"{"prompt": "Q \#($0)", "chosen": "good \#($0)", "rejected": "bad \#($0)"}"# }, to: "pairs.jsonl")
    try project.folder.write(
      lines { #"{"prompt": "Q \#($0)", "completion": "A \#($0)", "label": \#($0 % 2 == 0)}"# }, to: "judged.jsonl")
    try project.folder.write(lines { #"{"prompt": "Q \#($0)", "answer": "\#($0)"}"# }, to: "prompts.jsonl")
    try project.folder.write(
      lines { #"{"messages": [{"role": "user", "content": "Q \#($0)"}, {"role": "assistant", "content": "A"}]}"# },
      to: "chat.jsonl")
  }

  @Test("stages run with the keys that they need", arguments: stages.indices)
  func everyStage(index: Int) throws {
    let project = try Project(rows: 12)
    try Self.rows(project)
    try project.folder.write(
      "model: tiny\nmax_length: 64\nmax_steps: 1\nbatch_size: 4\n" + Self.stages[index] + "\n", to: "recipe.yaml")
    let run = try project.anneal("run", "recipe.yaml")
    #expect(run.code == 0, "\(Self.stages[index]): \(run.messages)")
    #expect(FileManager.default.fileExists(atPath: project.folder.path("results/recipe/release")))
  }

  /// Files of other programs, with what stands in their examples.
  private static let files = [
    """
    base_model: tiny
    load_in_8bit: true
    strict: false
    datasets:
      - path: chat.jsonl
        type: chat_template
    val_set_size: 0.2
    dataset_prepared_path: last_run_prepared
    output_dir: ./out
    adapter: lora
    lora_r: 4
    lora_alpha: 8
    lora_dropout: 0.05
    lora_target_linear: true
    sequence_len: 64
    sample_packing: true
    wandb_project:
    gradient_accumulation_steps: 2
    micro_batch_size: 2
    max_steps: 2
    optimizer: adamw_bnb_8bit
    lr_scheduler: cosine
    learning_rate: 0.0002
    bf16: auto
    tf32: false
    gradient_checkpointing: true
    logging_steps: 1
    flash_attention: true
    warmup_ratio: 0.1
    evals_per_epoch: 4
    saves_per_epoch: 1
    weight_decay: 0.0
    special_tokens:
    """,
    """
    output_dir: out
    model:
      _component_: torchtune.models.llama3_2.lora_llama3_2_1b
      lora_attn_modules: ['q_proj', 'v_proj', 'output_proj']
      apply_lora_to_mlp: True
      lora_rank: 4
      lora_alpha: 8
      lora_dropout: 0.0
    tokenizer:
      _component_: torchtune.models.llama3.llama3_tokenizer
      path: /tmp/tokenizer.model
      max_seq_len: 64
    checkpointer:
      _component_: torchtune.training.FullModelHFCheckpointer
      checkpoint_dir: tiny
      checkpoint_files: [model.safetensors]
      output_dir: ${output_dir}
      model_type: LLAMA3_2
    dataset:
      _component_: torchtune.datasets.chat_dataset
      source: json
      data_files: chat.jsonl
      conversation_column: messages
      conversation_style: openai
      packed: False
    seed: null
    shuffle: True
    batch_size: 2
    optimizer: {_component_: torch.optim.AdamW, fused: True, weight_decay: 0.01, lr: 3e-4}
    lr_scheduler:
      _component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup
      num_warmup_steps: 1
    loss: {_component_: torchtune.modules.loss.LinearCrossEntropyLoss}
    epochs: 1
    max_steps_per_epoch: 2
    gradient_accumulation_steps: 2
    compile: False
    metric_logger: {_component_: torchtune.training.metric_logging.DiskLogger, log_dir: "${output_dir}/logs"}
    device: cuda
    dtype: bf16
    """,
  ]

  @Test("configurations of Axolotl's and torchtune's run", arguments: files.indices)
  func foreignFiles(index: Int) throws {
    let project = try Project(rows: 1)
    try Self.rows(project)
    try project.folder.write(Self.files[index] + "\n", to: "config.yaml")
    let run = try project.anneal("run", "config.yaml")
    #expect(run.code == 0, "\(run.messages)")
    let adapter = try readJSON(project.folder.path("out/adapter_config.json"))
    #expect(adapter["r"]?.int == 4)
    let expanded = try project.anneal("expand", "config.yaml")
    try project.folder.write(expanded.output, to: "pipeline2.yaml")
    #expect(try project.anneal("run", "pipeline2.yaml").code == 0, "\(expanded.output)")
    #expect(try Set(project.states().values) == ["cached"], "what is written is what ran")
  }
}
