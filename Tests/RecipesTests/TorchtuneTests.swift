import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Recipes
import TestKit
import Testing

/// torchtune's configurations: every key of its own files has a fate, and what maps becomes fields of nodes.
@Suite struct TorchtuneTests {
  @Test("every key that `scripts/reference/torchtune_keys.py` wrote down has a fate")
  func noKeyIsMissing() throws {
    let pinned = try readJSON(fixture("Recipes/torchtune_keys.json"))
    let names = pinned["keys"]?.array?.compactMap(\.string) ?? []
    let own = Set(KeyTable.torchtune.sections.flatMap(\.keys).map(\.name))
    let rows = Set(KeyTable.torchtuneDataset.sections.flatMap(\.keys).map(\.name))
    #expect(names.count > 150)
    for name in names {
      let parts = name.split(separator: ".").map(String.init)
      let heads = (1...parts.count).map { parts[..<$0].joined(separator: ".") }
      let isOfRows = ["dataset", "dataset_val"].contains(parts[0]) && parts.count > 1
      // A map is known by its own key, or by those in it.
      let isKnown =
        isOfRows
        ? rows.contains(parts[1]) : heads.contains(where: own.contains) || own.contains { $0.hasPrefix(name + ".") }
      #expect(isKnown, "\(name)")
    }
  }

  private static let head = """
    output_dir: out
    model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_attn_modules: [q_proj, output_proj], apply_lora_to_mlp: True, lora_rank: 4, lora_alpha: 8}
    tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer, path: /tmp/tokenizer.model, max_seq_len: 128}
    checkpointer: {_component_: torchtune.training.FullModelHFCheckpointer, checkpoint_dir: "@/tiny", checkpoint_files: [model.safetensors], model_type: LLAMA3_2, output_dir: "${output_dir}"}
    dataset: {_component_: torchtune.datasets.chat_dataset, source: json, data_files: "@/chat.jsonl", conversation_column: messages, conversation_style: openai, packed: True}
    seed: null
    shuffle: True
    batch_size: 2
    optimizer: {_component_: torch.optim.AdamW, fused: True, lr: 3e-4}
    lr_scheduler: {_component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup, num_warmup_steps: 10}
    loss: {_component_: torchtune.modules.loss.LinearCrossEntropyLoss}
    epochs: 1
    max_steps_per_epoch: null
    gradient_accumulation_steps: 4
    clip_grad_norm: null
    compile: False
    metric_logger: {_component_: torchtune.training.metric_logging.DiskLogger, log_dir: "${output_dir}/logs"}
    device: cuda
    dtype: bf16
    profiler: {_component_: torchtune.training.setup_torch_profiler, enabled: False}

    """

  private static func file(_ keys: String) throws -> ForeignFile {
    let given = Set(keys.split(separator: "\n").map { $0.split(separator: ":")[0] })
    let kept = head.split(separator: "\n").filter { !given.contains($0.split(separator: ":")[0]) }
    return try ForeignFile((kept + [Substring(keys)]).joined(separator: "\n"))
  }

  private static let cases: [ForeignCase] = [
    ForeignCase(
      "epochs: 2",
      [
        "from: @/tiny  # checkpointer.checkpoint_dir", "compute: auto  # dtype: bf16",
        "targets: [q_proj, o_proj, gate_proj, up_proj, down_proj]", "rank: 4  # model.lora_rank",
        "alpha: 8  # model.lora_alpha", "format: messages", "max_length: 128  # tokenizer.max_seq_len",
        "overlong: truncate", "packing: true  # packed", "stage: sft  # loss", "epochs: 2  # epochs",
        "batch_size: 8  # batch_size 2 × gradient_accumulation_steps 4", "learning_rate: 3e-4  # optimizer.lr",
        "type: cosine  # lr_scheduler", "warmup_steps: 10", "weight_decay: 0.01  # PyTorch's default of AdamW",
        "max_grad_norm: 1.0e30", "seed: 42  # where torchtune draws one", "to: out  # output_dir",
      ]),
    ForeignCase("model: {_component_: torchtune.models.llama3_2.llama3_2_1b}", ["model: base_model"]),
    ForeignCase(
      "model: {_component_: torchtune.models.llama3_2.qlora_llama3_2_1b, lora_attn_modules: [q_proj], use_dora: True}",
      ["weights: nf4  # model._component_", "dora: true"]),
    ForeignCase("lr_scheduler:", ["type: constant  # there is no lr_scheduler"]),
    ForeignCase(
      "optimizer: {_component_: bitsandbytes.optim.PagedAdamW8bit, lr: 2e-5, weight_decay: 0.1}",
      ["type: adamw_8bit", "weight_decay: 0.1"]),
    ForeignCase(
      "clip_grad_norm: 1.0\nmax_steps_per_epoch: 5\nepochs: 2",
      ["max_grad_norm: 1.0", "max_steps: 10  # max_steps_per_epoch 5 × epochs 2"]),
    ForeignCase("tokenizer: {_component_: x.y}", ["max_length: 256  # tokenizer.max_seq_len: what the model can read"]),
    ForeignCase(
      "enable_activation_checkpointing: True\nseed: 5\ndtype: fp32", ["recompute: block", "seed: 5", "compute: f32"]),
    ForeignCase(
      "dataset: {_component_: torchtune.datasets.chat_dataset, source: '@/talk.jsonl', conversation_column: conversations, conversation_style: sharegpt, train_on_input: True, new_system_prompt: Be brief.}",
      ["format: sharegpt", "messages: conversations", "learn: everything  # train_on_input", "system: Be brief."]),
    ForeignCase(
      "dataset: {_component_: torchtune.datasets.text_completion_dataset, source: '@/texts.jsonl'}",
      ["stage: pt", "fill_rows: true"]),
    ForeignCase(
      "dataset: {_component_: torchtune.datasets.alpaca_cleaned_dataset, source: '@/alpaca.jsonl', split: 'train[:95%]'}\ndataset_val: {_component_: torchtune.datasets.alpaca_cleaned_dataset, source: '@/alpaca.jsonl', split: 'train[95%:]'}\nrun_val_every_n_steps: 3",
      [
        "format: alpaca", "validation: 0.05", "learn: everything  # train_on_input, the default of alpaca's sets",
        "evaluate_every: 3",
      ]),
    ForeignCase(
      "loss: {_component_: torchtune.rlhf.loss.DPOLoss, beta: 0.2}\ndataset: {_component_: torchtune.datasets.stack_exchange_paired_dataset, source: '@/pairs.jsonl'}\nref_checkpointer: {checkpoint_dir: '@/tiny'}",
      [
        "stage: dpo", "loss: [sigmoid]", "beta: 0.2", "reference: reference",
        "from: @/tiny  # ref_checkpointer.checkpoint_dir",
      ]),
    ForeignCase(
      "teacher_model: {_component_: torchtune.models.llama3_1.llama3_1_8b}\nteacher_checkpointer: {checkpoint_dir: '@/tiny'}\nkd_loss: {_component_: torchtune.modules.loss.ForwardKLWithChunkedOutputLoss}\nkd_ratio: 0.75",
      ["stage: distillation", "teacher: teacher", "divergence: forward", "label_weight: 0.25"]),
  ]

  @Test("keys become fields", arguments: cases.indices)
  func keysBecomeFields(index: Int) throws {
    let wanted = Self.cases[index]
    let outcome = try Self.file(wanted.text).expanded()
    #expect(!outcome.problems.hasErrors, "\(wanted.text): \(outcome.rendered)")
    let text = outcome.text.replacing("\"", with: "")
    #expect(wanted.missing(in: text).isEmpty, "\(wanted.text): \(wanted.missing(in: text))\n\(outcome.text)")
  }

  private static let refusals: [ForeignCase] = [
    ForeignCase(
      "quantizer: {groupsize: 256}", "`quantizer: {…}` cannot be honoured",
      "training with rounded weights in mind is not there", nil),
    ForeignCase("batch_sise: 2", "torchtune has no key `batch_sise`", nil, "`batch_size`"),
    ForeignCase(
      "optimizer: {_component_: torch.optim.AdamW, rl: 3}", "torchtune has no key `optimizer.rl`", nil, "`optimizer.lr`"
    ),
    ForeignCase(
      "optimizer: {_component_: torch.optim.Adagrad, lr: 3}",
      "`optimizer._component_: torch.optim.Adagrad` cannot be honoured", nil, "`torch.optim.AdamW`"),
    ForeignCase(
      "dataset: {_component_: torchtune.datasets.alpaca_cleaned_dataset}",
      "There is no file or folder `yahma/alpaca-cleaned`",
      "a dataset of a hub is meant, and nothing is fetched here", nil),
    ForeignCase(
      "dataset: {_component_: torchtune.datasets.chat_datset, source: x}",
      "`dataset._component_: chat_datset` cannot be honoured", nil, "`torchtune.datasets.chat_dataset`"),
    ForeignCase(
      "loss: {_component_: torchtune.rlhf.loss.PPOLoss}",
      "`loss._component_: torchtune.rlhf.loss.PPOLoss` cannot be honoured", nil, nil),
    ForeignCase("optimizer:", "`optimizer` is missing", "the file trains nothing", nil),
    ForeignCase(
      "checkpointer: {_component_: torchtune.training.FullModelMetaCheckpointer, checkpoint_dir: '@/tiny'}",
      "`checkpointer._component_: torchtune.training.FullModelMetaCheckpointer` cannot be honoured", nil, nil),
  ]

  @Test("what cannot be honoured is refused with the reason and what to do", arguments: refusals.indices)
  func whatIsRefused(index: Int) throws {
    let wanted = try #require(Self.refusals[index].problem)
    let outcome = try Self.file(Self.refusals[index].text).expanded()
    let problem = outcome.problems.first { $0.summary == wanted.summary }
    #expect(problem?.severity == .error && problem?.place != nil, "\(Self.refusals[index].text): \(outcome.rendered)")
    if let reason = wanted.reason { #expect(problem?.reason == reason, "\(outcome.rendered)") }
    if let advice = wanted.advice { #expect(problem?.advice == advice, "\(outcome.rendered)") }
  }

  @Test("files are told by their keys, in one place")
  func kinds() throws {
    let folder = try TemporaryFolder()
    for (text, kind) in [
      ("recipe: sft", RecipeFile.Kind.recipe), ("model_name_or_path: x", .llamaFactory), ("base_model: x", .axolotl),
      ("model: {_component_: x}", .torchtune), ("sequence_len: 1\nmicro_batch_size: 2\nlora_r: 3", .axolotl),
      ("pipeline: x\nbase_model: y", nil), ("nodes: {}\nrecipe: sft", nil), ("a: 1", nil),
    ] as [(String, RecipeFile.Kind?)] {
      let file = try YAMLText(path: folder.write(text, to: "f.yaml"))
      #expect(RecipeFile.kind(of: file) == kind, "\(text)")
    }
    let unknown = try ForeignFile("a: 1\nb: 2").expanded()
    #expect(
      unknown.problems.first?.reason
        == "a pipeline has `nodes`, a recipe `recipe`, LLaMA-Factory's files `model_name_or_path`, Axolotl's `base_model`, torchtune's maps with `_component_`",
      "\(unknown.rendered)")
  }

  @Test("docs/torchtune.md has the tables")
  func thePage() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/torchtune.md"), encoding: .utf8)
    #expect(
      page.contains(KeyTable.torchtuneDataset.reference) && page.contains(KeyTable.torchtune.reference),
      "docs/torchtune.md is out of date: put what `anneal expand --keys torchtune` prints below its head")
  }
}
