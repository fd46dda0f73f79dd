import Diagnostics
import Foundation
import PreciseJSON
import Recipes
import TestKit
import Testing

/// Axolotl's configurations: every key has a fate, and what maps becomes fields of nodes.
@Suite struct AxolotlTests {
  private static func pinned() throws -> JSON { try readJSON(fixture("Recipes/axolotl_keys.json")) }
  private static let keys = KeyTable.axolotl.sections.flatMap(\.keys)

  @Test("every key that `scripts/reference/axolotl_keys.py` wrote down has a fate, with Axolotl's default")
  func noKeyIsMissing() throws {
    let all = try Self.pinned()
    let classes = try #require(all["classes"]?.object)
    let own = Dictionary(Self.keys.filter { $0.since == nil }.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    var pinned: [(String, JSON)] = classes.members.flatMap { $0.value.object?.members.map { ($0.key, $0.value) } ?? [] }
    pinned.removeAll { $0.0 == "special_tokens" }
    let special = try #require(all["special_tokens"]?.object)
    pinned += special.members.map { ("special_tokens.\($0.key)", $0.value) }
    #expect(pinned.count > 380 && Set(pinned.map(\.0)) == Set(own.keys))
    for (name, value) in pinned {
      let key = try #require(own[name])
      #expect(Self.isSame(key.standard, value), "\(name): \(key.standard ?? "nil"), pinned \(value.text())")
      #expect(key.words.count > 5 && !key.words.hasSuffix("."), "\(name)")
    }
    #expect(Set(Self.keys.map(\.name)).count == Self.keys.count)
  }

  private static func isSame(_ written: String?, _ pinned: JSON) -> Bool {
    guard let written else { return pinned.isNull }
    if let bool = pinned.bool { return written == "\(bool)" }
    if let number = pinned.double { return Double(written) == number }
    // The default optimizer is a member of an enumeration there.
    return pinned.string == written || (pinned.isNull && written == "adamw_torch_fused")
  }

  @Test("every key of a dataset has a fate")
  func keysOfDatasets() throws {
    let all = try Self.pinned()
    let kinds = try #require(all["datasets"]?.object)
    let pinned = Set(kinds.members.flatMap { $0.value.array?.compactMap(\.string) ?? [] })
    let own = Set(KeyTable.axolotlDataset.sections.flatMap(\.keys).map(\.name))
    #expect(pinned.subtracting(own).isEmpty && pinned.count > 40, "\(pinned.subtracting(own))")
  }

  private static let head = """
    base_model: "@/tiny"
    adapter: lora
    lora_r: 8
    lora_alpha: 16
    lora_target_linear: true
    sequence_len: 128
    micro_batch_size: 2
    num_epochs: 1
    learning_rate: 2e-4
    datasets: [{path: "@/chat.jsonl", type: chat_template}]

    """

  /// A file with other lines in place of those of ``head`` that have the same key.
  private static func file(_ keys: String) throws -> ForeignFile {
    let given = Set(keys.split(separator: "\n").map { $0.split(separator: ":")[0] })
    let kept = head.split(separator: "\n").filter { !given.contains($0.split(separator: ":")[0]) }
    return try ForeignFile((kept + [Substring(keys)]).joined(separator: "\n"))
  }

  private static let cases: [ForeignCase] = [
    ForeignCase(
      "seed: 7",
      [
        "from: @/tiny  # base_model", "compute: auto  # bf16, Axolotl's default", "rank: 8  # lora_r",
        "alpha: 16  # lora_alpha", "targets: [all_linear]  # lora_target_linear", "format: messages",
        "template: auto", "max_length: 128  # sequence_len",
        "overlong: drop  # excess_length_strategy, Axolotl's default",
        "batch_size: 2  # micro_batch_size 2 × gradient_accumulation_steps 1", "epochs: 1  # num_epochs",
        "type: cosine  # lr_scheduler, Axolotl's default", "warmup_ratio: 0.03",
        "type: adamw  # optimizer, Axolotl's default", "seed: 7  # seed",
      ]),
    ForeignCase("adapter: qlora\nload_in_4bit: true", ["weights: nf4  # load_in_4bit", "method: lora  # adapter"]),
    ForeignCase("load_in_8bit: true", ["weights: int8  # load_in_8bit"]),
    ForeignCase("bf16: false\nfp16: false", ["compute: f32  # neither bf16 nor fp16"]),
    ForeignCase(
      "lora_target_linear: false\nlora_target_modules: [q_proj, v_proj]\nlora_dropout: 0.1\npeft_use_dora: true",
      ["targets: [q_proj, v_proj]  # lora_target_modules", "dropout: 0.1", "dora: true"]),
    ForeignCase(
      "lora_target_linear: null\nlora_target_modules: 'model.layers.[0-3].*q_proj'",
      ["target_pattern: model.layers.[0-3].*q_proj"]),
    ForeignCase(
      "peft_init_lora_weights: pissa\npeft_layers_to_transform: [0, 1]\nlora_modules_to_save: [embed_tokens]\nlora_rank_pattern: {q_proj: 4}",
      ["init: pissa", "layers: [0, 1]", "train_modules: [embed_tokens]", "rank_pattern: [q_proj=4]"]),
    ForeignCase("lora_model_dir: '@/adapter'", ["from: @/adapter  # lora_model_dir"]),
    ForeignCase("adapter: null\nunfrozen_parameters: ['^lm_head', 'layers.1.']", ["type: names", "match: "]),
    ForeignCase(
      "adapter: null\nlisa_n_layers: 4\nlisa_step_interval: 20", ["type: lisa", "active: 4", "switch_every: 20"]),
    ForeignCase(
      "sample_packing: true\nval_set_size: 0.1", ["packing: true  # sample_packing", "validation: 0.1", "evaluate:"]),
    ForeignCase("val_set_size: 10", ["validation: 0.25  # val_set_size"]),
    ForeignCase("excess_length_strategy: raise", ["overlong: error"]),
    ForeignCase("datasets: [{path: '@/talk.jsonl', type: sharegpt}]", ["format: sharegpt"]),
    ForeignCase(
      "datasets: [{path: '@/talk.jsonl', type: chat_template, field_messages: conversations, message_property_mappings: {role: from, content: value}}]",
      ["format: sharegpt", "messages: conversations"]),
    ForeignCase(
      "datasets: [{path: '@', data_files: [chat.jsonl], ds_type: json, type: chat_template, split: 'train[:5]', roles_to_train: [user, assistant]}]",
      ["from: @/chat.jsonl", "max_rows: 5", "learn: everything  # roles_to_train"]),
    ForeignCase("datasets: [{path: '@/texts.jsonl', type: completion}]", ["format: text", "fill_rows: true"]),
    ForeignCase("datasets: null\npretraining_dataset: '@/texts.jsonl'", ["stage: pt", "fill_rows: true"]),
    ForeignCase(
      "train_on_inputs: true\ndefault_system_message: Be brief.",
      ["learn: everything  # train_on_inputs", "system: Be brief."]),
    ForeignCase(
      "chat_template: jinja\nchat_template_jinja: mine.jinja", ["template: mine.jinja  # chat_template_jinja"]),
    ForeignCase(
      "val_set_size: 0.2\neval_steps: 5\nearly_stopping_patience: 2\nload_best_model_at_end: true\nmetric_for_best_model: eval_loss",
      ["validation: tokens.validation", "evaluate_every: 5", "patience: 2", "keep: best", "best_measure: loss"]),
    ForeignCase(
      "val_set_size: 0.5\nevals_per_epoch: 2", ["evaluate_every: 5  # evals_per_epoch 2, of 20 rows in steps of 2"]),
    ForeignCase("gradient_accumulation_steps: 4\nmax_steps: 9", ["batch_size: 8", "max_steps: 9"]),
    ForeignCase("batch_size: 6", ["batch_size: 6  # batch_size"]),
    ForeignCase(
      "optimizer: adamw_bnb_8bit\nadam_beta2: 0.95\nweight_decay: 0.1",
      ["type: adamw_8bit", "betas: [0.9, 0.95]", "weight_decay: 0.1"]),
    ForeignCase("optimizer: came_pytorch", ["type: came", "betas: [0.9, 0.999, 0.9999]"]),
    ForeignCase(
      "adapter: null\noptimizer: galore_adamw\noptim_args: 'rank=64, update_proj_gap=100'",
      ["type: galore", "rank: 64", "update_proj_gap: 100"]),
    ForeignCase(
      "lr_scheduler: cosine\ncosine_min_lr_ratio: 0.1\ncosine_constant_lr_ratio: 0.75",
      ["min_lr_rate: 0.1", "constant_tail: 0.25"]),
    ForeignCase("lr_scheduler: rex\nwarmup_steps: 4", ["type: rex", "warmup_steps: 4"]),
    ForeignCase("lr_scheduler: one_cycle", ["type: one_cycle", "pct_start: 0.03"]),
    ForeignCase(
      "lr_groups: [{name: a, modules: [self_attn.o_proj, q_proj], lr: 1e-6}]",
      ["groups: [{match: self_attn.o_proj|q_proj, learning_rate: 1e-6}]"]),
    ForeignCase("loraplus_lr_ratio: 16\nneftune_noise_alpha: 5", ["lora_plus_ratio: 16", "neftune_alpha: 5"]),
    ForeignCase("use_eaft: true\neaft_k: 10", ["loss: eaft", "eaft_top_k: 10"]),
    ForeignCase("loss_watchdog_threshold: 5.0", ["steps: 3"]),
    ForeignCase(
      "generate_samples: true\nnum_generation_samples: 2", ["prompts: 2", "every: 100", "tokenizer: tokenizer"]),
    ForeignCase(
      "gradient_checkpointing: offload\nuse_tensorboard: true\nlogging_steps: 5",
      ["recompute: block", "report_to: [tensorboard]", "log_every: 5"]),
    ForeignCase("output_dir: out", ["to: out  # output_dir"]),
    ForeignCase(
      "rl: dpo\nrl_beta: 0.2\ndpo_label_smoothing: 0.1\ndatasets: [{path: '@/intel.jsonl', type: chatml.intel}]",
      ["stage: dpo", "loss: [sigmoid]", "beta: 0.2", "label_smoothing: 0.1", "format: preference", "prompt: question"]),
    ForeignCase(
      "rl: ipo\ndatasets: [{path: '@/pairs.jsonl', type: chat_template.argilla}]",
      ["loss: [ipo]  # rl: ipo", "beta: 0.1"]),
    ForeignCase(
      "rl: kto\nkto_desirable_weight: 2\ndatasets: [{path: '@/judged.jsonl', type: {field_prompt: prompt}}]",
      ["stage: kto", "format: judged", "desirable_weight: 2"]),
    ForeignCase(
      "rl: orpo\norpo_alpha: 0.3\ndatasets: [{path: '@/pairs.jsonl', type: chat_template.argilla}]",
      ["stage: orpo", "beta: 0.3  # orpo_alpha"]),
    ForeignCase(
      "rl: simpo\nsimpo_gamma: 1.4\ndatasets: [{path: '@/pairs.jsonl', type: chat_template.argilla}]",
      ["stage: simpo", "gamma: 1.4", "sft_weight: 1.0"]),
    ForeignCase(
      "reward_model: true\ncenter_rewards_coefficient: 0.01\ndatasets: [{path: '@/pairs.jsonl', type: bradley_terry.chat_template}]",
      ["stage: rm", "center_rewards: 0.01"]),
    ForeignCase(
      "test_datasets: [{path: '@/talk.jsonl', type: sharegpt}]", ["held_out_talk:", "data: held_out_tokens.train"]),
    ForeignCase(
      "plugins: [axolotl.integrations.liger.LigerPlugin]\nliger_rope: true\nspecial_tokens: {pad_token: x, eos_token: '</s>'}\ndeepspeed: zero3.json",
      ["rank: 8"]),
    ForeignCase(
      "adapter: null\nplugins: [axolotl.integrations.spectrum.SpectrumPlugin]\nspectrum_top_fraction: 0.25",
      ["type: spectrum", "top_percent: 25.0"]),
    ForeignCase("special_tokens:", ["rank: 8"]),
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
    ForeignCase("lora_rank: 8", "Axolotl has no key `lora_rank`", nil, "`lora_r`"),
    ForeignCase("sequence_lenn: 8", "Axolotl has no key `sequence_lenn`", nil, "`sequence_len`"),
    ForeignCase(
      "rl: grpo", "`rl: grpo` cannot be honoured",
      "its rewards are functions of Python's, and rewards here are declared, or programs that are asked",
      "`recipe: grpo` with `rewards:`; docs/rewards.md"),
    ForeignCase(
      "adapter: qlora", "`load_in_4bit` is missing", "`adapter: qlora` holds frozen weights in 4 bits, as in Axolotl",
      "`load_in_4bit: true`, or `adapter: lora`"),
    ForeignCase("lora_r: null", "`lora_r` is missing", nil, "`lora_r: 16`"),
    ForeignCase(
      "lora_target_linear: null", "`lora_target_linear` is missing", "it says which maps get an adapter", nil),
    ForeignCase(
      "optimizer: dion", "`optimizer: dion` cannot be honoured", "it is not there", "`muon`, which is nearest"),
    ForeignCase(
      "datasets: [{path: org/none, type: chat_template}]", "There is no file or folder `org/none`",
      "a dataset of a hub is meant, and nothing is fetched here",
      "`hf download --repo-type dataset org/none --local-dir data/none`, and name its file of rows"),
    ForeignCase(
      "datasets: [{path: '@/chat.jsonl', type: chat_templat}]", "`datasets[0].type: chat_templat` cannot be honoured",
      nil, "`chat_template`"),
    ForeignCase("datasets: [{path: '@/chat.jsonl', typ: alpaca}]", "Axolotl has no key `typ`", nil, "`type`"),
    ForeignCase(
      "datasets: [{path: '@/alpaca.jsonl', type: chat_template}]", "Rows of `@/alpaca.jsonl` have no column `messages`",
      "the first row has [`instruction`, `input`, `output`, `system`]", nil),
    ForeignCase(
      "special_tokens: {eos_token: '<|im_end|>'}", "`special_tokens.eos_token: <|im_end|>` cannot be honoured",
      "the tokenizer's own is `</s>`, and nothing changes a tokenizer", nil),
    ForeignCase(
      "tokens: ['<a>']", "`tokens: [<a>]` cannot be honoured", "tokens are not added to a tokenizer here", nil),
    ForeignCase(
      "plugins: [axolotl.integrations.diffusion.DiffusionPlugin]",
      "`plugins: axolotl.integrations.diffusion.DiffusionPlugin` cannot be honoured", nil, nil),
    ForeignCase(
      "eval_steps: 0.1\nval_set_size: 0.1", "`eval_steps: 0.1` cannot be honoured", nil,
      "a number of steps, such as `eval_steps: 50`"),
    ForeignCase(
      "qat: {activation_dtype: int8}", "`qat: {…}` cannot be honoured",
      "training with rounded weights in mind is not there", nil),
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

  @Test("a layout of Axolotl's own is a warning, and columns that it passes over are named")
  func foreignLayouts() throws {
    let outcome = try Self.file("datasets: [{path: '@/alpaca.jsonl', type: alpaca}]").expanded()
    #expect(outcome.problems.map(\.severity) == [.warning], "\(outcome.rendered)")
    #expect(
      outcome.text.contains("format: alpaca") && outcome.text.contains("ignore_columns: [system]"), "\(outcome.text)")
    #expect(
      outcome.problems.first?.summary
        == "`type: alpaca` lays prompts out by Alpaca's text, and the model's own chat template is taken here")
  }

  @Test("keys that decide nothing are told, those of datasets as well")
  func idleKeys() throws {
    let outcome = try Self.file(
      "wandb_project: x\ndatasets: [{path: '@/chat.jsonl', type: chat_template, trust_remote_code: true}]"
    ).expanded()
    #expect(outcome.text.contains("#   wandb_project: x (nothing is sent anywhere"), "\(outcome.text)")
    #expect(
      outcome.text.contains("#   datasets[0].trust_remote_code: true (no code of a dataset is ever run)"),
      "\(outcome.text)")
    #expect(outcome.text.hasPrefix("# What `file.yaml`, a file of Axolotl's, becomes."))
  }

  @Test("docs/axolotl.md has the tables")
  func thePage() throws {
    let root = URL(fileURLWithPath: fixture("")).deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/axolotl.md"), encoding: .utf8)
    #expect(
      page.contains(KeyTable.axolotlDataset.reference) && page.contains(KeyTable.axolotl.reference),
      "docs/axolotl.md is out of date: put what `anneal expand --keys axolotl` prints below its head")
  }
}
