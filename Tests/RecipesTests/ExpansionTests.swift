import Diagnostics
import Pipeline
import Recipes
import TestKit
import Testing

/// What the fields of nodes become, key by key.
@Suite struct ExpansionTests {
  @Test("a common file becomes a pipeline, each field beside the key it came from")
  func theCommonFile() throws {
    let recipe = try Recipe(
      """
      stage: sft
      finetuning_type: lora
      lora_rank: 4
      template: llama3
      cutoff_len: 1024
      output_dir: saves/lora
      per_device_train_batch_size: 2
      gradient_accumulation_steps: 8
      learning_rate: 1.0e-4
      lr_scheduler_type: cosine
      warmup_ratio: 0.1
      bf16: true
      overwrite_cache: true
      """)
    let outcome = try recipe.expanded()
    #expect(outcome.problems.isEmpty, "\(outcome.rendered)")
    #expect(
      outcome.text == """
        # What `train.yaml`, a file of LLaMA-Factory's, becomes. Beside each field stands the key that it came from.
        pipeline: train

        nodes:
          tokenizer:
            type: load_tokenizer
            from: tiny  # model_name_or_path

          base_model:
            type: load_model
            from: tiny  # model_name_or_path
            compute: auto  # bf16: the fastest of bf16, int16 and f32 that this CPU has

          adapter:
            type: attach_adapter
            model: base_model
            method: lora  # finetuning_type
            rank: 4  # lora_rank
            alpha: 8  # twice lora_rank
            dropout: 0.0  # lora_dropout, LLaMA-Factory's default
            targets: [all_linear]  # lora_target, LLaMA-Factory's default
            seed: 42  # seed, LLaMA-Factory's default

          rows_rows:
            type: load_dataset
            from: data/rows.json  # dataset `rows`: file_name
            format: alpaca  # formatting: alpaca

          tokens_rendered:
            type: apply_template
            dataset: rows_rows
            tokenizer: tokenizer
            template: auto  # template: llama3, as the model's own chat template has it

          tokens:
            type: tokenize
            conversations: tokens_rendered
            tokenizer: tokenizer
            max_length: 1024  # cutoff_len
            overlong: truncate  # as LLaMA-Factory cuts: turn by turn

          train:
            type: train
            stage: sft  # stage
            model: adapter
            data: tokens.train
            epochs: 3.0  # num_train_epochs, LLaMA-Factory's default
            batch_size: 16  # per_device_train_batch_size 2 × gradient_accumulation_steps 8
            learning_rate: 1.0e-4  # learning_rate
            schedule:
              type: cosine  # lr_scheduler_type
              warmup_ratio: 0.1  # warmup_ratio
            optimizer:
              type: adamw  # optim, LLaMA-Factory's default
              weight_decay: 0.0  # weight_decay, LLaMA-Factory's default
              betas: [0.9, 0.999]  # adam_beta1, adam_beta2, LLaMA-Factory's defaults
              epsilon: 1e-08  # adam_epsilon, LLaMA-Factory's default
            max_grad_norm: 1.0  # max_grad_norm, LLaMA-Factory's default
            shuffle: true  # disable_shuffling
            seed: 42  # seed, LLaMA-Factory's default
            log_every: 500  # logging_steps, LLaMA-Factory's default
            save_every: 500  # save_steps, LLaMA-Factory's default
            report_to: [trainer_state]  # LLaMA-Factory writes trainer_state.json

          release:
            type: export
            model: train
            tokenizer: tokenizer
            base_model: tiny  # model_name_or_path
            to: saves/lora  # output_dir

        outputs: [train.metrics, release]

        # Keys that decide nothing here:
        #   overwrite_cache: true (tokens are found again by the content of rows, template and tokenizer; what changed is made anew by itself)

        """, "\(outcome.text)")
  }

  /// Keys, and lines that the pipeline then has.
  private struct Case {
    var keys: String
    var lines: [String]

    init(_ keys: String, _ lines: [String]) {
      self.keys = keys
      self.lines = lines
    }
  }

  private static let cases: [Case] = [
    Case(
      "",
      [
        "max_length: 2048", "learning_rate: 5e-05", "batch_size: 8", "type: linear", "rank: 8", "alpha: 16",
        "compute: f32",
      ]),
    Case("lora_alpha: 5", ["alpha: 5  # lora_alpha"]),
    Case("lora_target: q_proj, v_proj", ["targets: [q_proj, v_proj]  # lora_target"]),
    Case("additional_target: embed_tokens,lm_head", ["train_modules: [embed_tokens, lm_head]  # additional_target"]),
    Case("use_rslora: true\nuse_dora: true", ["rslora: true", "dora: true"]),
    Case("pissa_init: yes", ["init: pissa  # pissa_init"]),
    Case("loraplus_lr_ratio: 16.0", ["lora_plus_ratio: 16.0  # loraplus_lr_ratio"]),
    Case("quantization_bit: 4", ["weights: nf4  # quantization_bit"]),
    Case("quantization_bit: 8\nquantization_method: hqq", ["weights: int8  # quantization_bit"]),
    Case(
      "finetuning_type: oft\noft_block_size: 16",
      ["method: oft  # finetuning_type", "block_size: 16  # oft_block_size"]),
    Case(
      "finetuning_type: freeze\nfreeze_trainable_layers: -3\nfreeze_trainable_modules: mlp,self_attn\nfreeze_extra_modules: norm",
      [
        "type: blocks  # finetuning_type: freeze", "first: 3  # freeze_trainable_layers",
        "modules: [mlp, self_attn]  # freeze_trainable_modules", "extra_modules: [norm]  # freeze_extra_modules",
      ]
    ),
    Case(
      "finetuning_type: freeze\nuse_llama_pro: true\nfreeze_trainable_layers: 2",
      ["type: new_blocks  # use_llama_pro", "inserted: 2  # freeze_trainable_layers"]
    ),
    Case(
      "use_llama_pro: true\nfreeze_trainable_layers: 2", ["layers: [1, 3]  # use_llama_pro, freeze_trainable_layers"]),
    Case(
      "finetuning_type: full\nuse_galore: true\ngalore_rank: 128",
      [
        "type: galore  # use_galore", "rank: 128  # galore_rank", "update_proj_gap: 200", "scale: 2.0",
        "proj_type: std",
      ]
    ),
    Case(
      "finetuning_type: full\nuse_apollo: true\napollo_scale_type: tensor",
      [
        "type: apollo  # use_apollo", "rank: 16", "scale: 32.0", "scale_type: tensor  # apollo_scale_type",
        "proj: random",
      ]
    ),
    Case(
      "finetuning_type: full\nuse_badam: true",
      ["type: badam  # use_badam", "switch_mode: ascending", "switch_every: 50"]
    ),
    Case("finetuning_type: full\nuse_muon: true", ["type: muon  # use_muon"]),
    Case("finetuning_type: full\nuse_adam_mini: true", ["type: adam_mini  # use_adam_mini"]),
    Case("optim: paged_adamw_8bit", ["type: adamw_8bit  # optim: paged_adamw_8bit"]),
    Case("optim: adafactor", ["type: adafactor  # optim: adafactor"]),
    Case("adam_beta2: 0.95", ["betas: [0.9, 0.95]  # adam_beta1, adam_beta2"]),
    Case("max_grad_norm: 0", ["max_grad_norm: 1.0e30  # max_grad_norm 0: none is reached"]),
    Case("max_steps: 100", ["max_steps: 100  # max_steps"]),
    Case("warmup_steps: 20\nwarmup_ratio: 0.1", ["warmup_steps: 20  # warmup_steps"]),
    Case(
      "lr_scheduler_type: cosine_with_min_lr\nlearning_rate: 1e-4\nlr_scheduler_kwargs: {min_lr: 1e-5}",
      ["type: cosine  # lr_scheduler_type", "min_lr_rate: 0.1  # lr_scheduler_kwargs.min_lr ÷ learning_rate"]
    ),
    Case(
      "lr_scheduler_type: cosine_with_restarts\nlr_scheduler_kwargs: '{\"num_cycles\": 3}'",
      ["type: cosine_with_restarts", "num_cycles: 3  # lr_scheduler_kwargs.num_cycles"]
    ),
    Case(
      "lr_scheduler_type: polynomial\nlearning_rate: 1e-4",
      ["type: polynomial", "min_lr_rate: 0.0009999999999999998  # lr_end 1e-7, transformers' default"]
    ),
    Case(
      "lr_scheduler_type: warmup_stable_decay\nwarmup_steps: 10\nmax_steps: 100",
      [
        "type: warmup_stable_decay",
        "decay_steps: 60  # two thirds of what follows the warm-up, as LLaMA-Factory has it",
      ]
    ),
    Case("val_size: 0.1", ["validation: 0.1  # val_size: which rows are held out follows from each row alone"]),
    Case(
      "val_size: 0.1\neval_strategy: steps\neval_steps: 50\nload_best_model_at_end: true\nmetric_for_best_model: eval_accuracy\nearly_stopping_steps: 3",
      [
        "validation: tokens.validation", "evaluate_every: 50  # eval_steps", "keep: best  # load_best_model_at_end",
        "best_measure: accuracy  # metric_for_best_model", "patience: 3  # early_stopping_steps",
      ]
    ),
    Case(
      "eval_dataset: more\neval_strategy: steps\nlogging_steps: 7",
      ["validation: held_out_tokens.train", "evaluate_every: 7"]),
    Case(
      "eval_dataset: rows,more\ndo_eval: true\neval_on_each_dataset: true",
      ["data: held_out_rows_tokens.train", "data: held_out_more_tokens.train", "evaluate_held_out_more:"]
    ),
    Case(
      "packing: true",
      [
        "max_length: 2047  # cutoff_len less 1, as with packing",
        "packing: true  # packing: samples in a row do not see each other",
      ]),
    Case("neat_packing: true", ["max_length: 2047  # cutoff_len less 1, as with neat_packing", "packing: true"]),
    Case("max_samples: 50", ["max_rows: 50  # max_samples"]),
    Case(
      "stage: pt",
      ["format: text", "fill_rows: true  # packing, which `stage: pt` has unless told otherwise", "max_length: 2048"]),
    Case("stage: pt\npacking: false", ["overlong: truncate"]),
    Case("stage: pt\npacking: true", ["max_length: 2047", "fill_rows: true"]),
    Case(
      "stage: dpo\ndataset: pairs\npref_beta: 0.2\npref_ftx: 0.5\ndpo_label_smoothing: 0.1\nld_alpha: 0.3",
      [
        "stage: dpo", "loss: [sigmoid]", "beta: 0.2", "sft_weight: 0.5", "label_smoothing: 0.1", "ld_alpha: 0.3",
        "format: preference",
      ]
    ),
    Case(
      "stage: dpo\ndataset: pairs\npref_bco_weight: 1.0",
      ["loss: [sigmoid, bco_pair]", "loss_weights: [0.5, 0.5]  # 1 ÷ (1 + w) and w ÷ (1 + w)"]
    ),
    Case(
      "stage: dpo\ndataset: pairs\npref_loss: hinge",
      ["loss: [hinge]  # pref_loss: the paper's, where LLaMA-Factory trains `sigmoid` with TRL 0.20 and later"]
    ),
    Case(
      "stage: dpo\ndataset: pairs\npref_loss: orpo", ["stage: orpo  # stage: dpo with pref_loss: orpo", "beta: 0.1"]),
    Case(
      "stage: dpo\ndataset: pairs\npref_loss: simpo\nsimpo_gamma: 1.4",
      ["stage: simpo", "gamma: 1.4", "beta: 0.1", "sft_weight: 0.0"]),
    Case("stage: dpo\ndataset: pairs\nref_model: tiny", ["reference: reference", "from: tiny  # ref_model"]),
    // LLaMA-Factory's reference is the model without the adapter that is trained further.
    Case(
      "stage: dpo\ndataset: pairs\nadapter_name_or_path: adapter",
      ["reference: base_model", "from: adapter  # adapter_name_or_path"]),
    Case(
      "stage: kto\ndataset: judged\nkto_chosen_weight: 2.0",
      ["format: judged", "label: good  # columns", "desirable_weight: 2.0", "undesirable_weight: 1.0"]),
    Case("stage: rm\ndataset: pairs", ["stage: rm  # stage"]),
    Case("neftune_noise_alpha: 5\nlabel_smoothing_factor: 0.1", ["neftune_alpha: 5", "label_smoothing: 0.1"]),
    Case("use_dft_loss: true", ["loss: dft  # use_dft_loss"]),
    Case("use_asft_loss: true\nasft_alpha: 0.05", ["loss: asft", "asft_weight: 0.05  # asft_alpha"]),
    Case("disable_shuffling: on", ["shuffle: false  # disable_shuffling"]),
    Case("gradient_checkpointing: true", ["recompute: block  # gradient_checkpointing"]),
    Case("report_to: [tensorboard, wandb]", ["report_to: [trainer_state, tensorboard]"]),
    Case("run_name: my run/1", ["pipeline: my-run-1"]),
    Case("adapter_name_or_path: adapter\ncreate_new_adapter: true", ["fresh_adapter:", "model: merged"]),
    Case(
      "do_train: false\nexport_dir: out\nadapter_name_or_path: adapter\ninfer_dtype: bfloat16",
      ["dtype: bf16  # infer_dtype", "to: out  # export_dir", "model: merged"]),
    Case(
      "do_train: false\ndo_predict: true\npredict_with_generate: true\ndataset: null\neval_dataset: rows\nmax_new_tokens: 16\ndo_sample: false",
      [
        "type: predict", "data: held_out_tokens.train", "max_tokens: 16  # max_new_tokens",
        "temperature: 0  # do_sample: false",
      ]
    ),
    Case("train_on_prompt: true", ["learn: everything  # train_on_prompt"]),
    Case(
      "mask_history: true\ndefault_system: Be brief.",
      ["learn: last_answer  # mask_history", "system: Be brief.  # default_system"]),
    Case("default_system: null\nresume_from_checkpoint: null", ["rank: 8"]),
    Case("output_dir: ${oc.env:HOME}/out", [#"to: "$${oc.env:HOME}/out"  # output_dir"#]),
    Case("template: layouts/mine.jinja", ["template: layouts/mine.jinja  # template"]),
  ]

  @Test("keys become fields", arguments: cases.indices)
  func keysBecomeFields(index: Int) throws {
    let (keys, lines) = (Self.cases[index].keys, Self.cases[index].lines)
    let outcome = try Recipe(keys).expanded()
    #expect(!outcome.problems.hasErrors, "\(keys): \(outcome.rendered)")
    let written = outcome.text.split(separator: "\n").map { line in String(line.drop { $0 == " " }) }
    for line in lines { #expect(written.contains { $0.hasPrefix(line) }, "\(keys): no `\(line)` in\n\(outcome.text)") }
  }

  @Test("arguments behind the file change keys, as OmegaConf takes them")
  func settings() throws {
    let recipe = try Recipe("learning_rate: 1e-4\nlr_scheduler_type: polynomial")
    let outcome = try recipe.expanded(
      "learning_rate=1e-3", "lr_scheduler_kwargs.power=2", "lora_target=[q_proj, k_proj]", "max_samples=", "seed=7")
    for line in ["learning_rate: 1e-3", "power: 2", "targets: [q_proj, k_proj]", "seed: 7"] {
      #expect(outcome.text.contains(line), "\(line)")
    }
    #expect(!outcome.text.contains("max_rows"))
    let wrong = try recipe.expanded("learning_rte=1e-3")
    #expect(
      wrong.rendered == """
        argument `learning_rte=1e-3`: error: LLaMA-Factory has no key `learning_rte`
            learning_rte=1e-3
            ^
          at `learning_rte`
          try: `learning_rate`
        """, "\(wrong.rendered)")
  }

  @Test("a model's name is found where Hugging Face's programs keep what they fetched")
  func theCache() throws {
    let recipe = try Recipe("model_name_or_path: org/model-1\nmodel_revision: v2")
    let home = recipe.folder.path("home")
    let environment = ["HOME": home]
    let missing = try recipe.expanded(environment: environment)
    #expect(
      missing.rendered == """
        train.yaml:3:21: error: There is no model at `org/model-1`
            model_name_or_path: org/model-1
                                ^
          at `model_name_or_path`
          why: neither in this folder nor in [`home/.cache/huggingface/hub`]
          try: `hf download org/model-1 --local-dir models/model-1`, and name that folder
        """, "\(missing.rendered)")
    let place = "home/.cache/huggingface/hub/models--org--model-1"
    try recipe.folder.write("abc123\n", to: "\(place)/refs/v2")
    try recipe.folder.write("{}", to: "\(place)/snapshots/abc123/config.json")
    let found = try recipe.expanded(environment: environment)
    #expect(found.problems.isEmpty && found.text.contains("from: \(place)/snapshots/abc123"), "\(found.rendered)")
    #expect(found.text.contains("model_name_or_path: `org/model-1` was found in the Hugging Face cache"))
    #expect(found.text.contains("base_model: org/model-1"), "the adapter names its base as the file does")
  }

  @Test("a conversation is what the file says about the model, its adapter and sampling")
  func chat() throws {
    let recipe = try Recipe(
      "adapter_name_or_path: adapter\ntop_p: 0.9\nmax_new_tokens: 64\ndefault_system: Be brief.",
      head: "model_name_or_path: tiny")
    let request = try LLaMAFactoryFile.chat(YAMLText(path: recipe.path), hub: HubCache(environment: [:]))
    #expect(
      request
        == ChatRequest(
          model: recipe.folder.path("tiny"), adapter: recipe.folder.path("adapter"), system: "Be brief.", template: nil,
          temperature: 0.95, topK: 50, topP: 0.9, repetitionPenalty: 1, maximumTokens: 64))
    let several = try Recipe("adapter_name_or_path: adapter,adapter", head: "model_name_or_path: tiny")
    #expect(throws: DiagnosticList.self) {
      try LLaMAFactoryFile.chat(YAMLText(path: several.path), hub: HubCache(environment: [:]))
    }
  }

  @Test("secrets stand in no pipeline")
  func secrets() throws {
    let outcome = try Recipe("hf_hub_token: hf_abcdef\nswanlab_api_key: k123").expanded()
    #expect(!outcome.text.contains("hf_abcdef") && !outcome.text.contains("k123"))
    #expect(outcome.text.contains("hf_hub_token: …"))
  }

  @Test("a file without `nodes` and with LLaMA-Factory's keys is one of its")
  func detection() throws {
    let folder = try TemporaryFolder()
    for (text, isOne) in [
      ("model_name_or_path: x", true), ("{\"model_name_or_path\": \"x\", \"stage\": \"sft\"}", true),
      ("pipeline: x\nnodes: {}", false), ("model_name_or_pth: x\nstage: sft\ndo_train: true\ndataset: a", true),
      ("seed: 1", false), ("model_name_or_path: x\nnodes: {}", false),
    ] {
      let file = try YAMLText(path: folder.write(text, to: "f.yaml"))
      #expect((RecipeFile.kind(of: file) == .llamaFactory) == isOne, "\(text)")
    }
  }
}
