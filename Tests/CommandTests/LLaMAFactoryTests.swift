import Foundation
import PreciseJSON
import TestKit
import Testing

/// Files of LLaMA-Factory's run as they stand: what they say is done, and what they become is an ordinary pipeline.
@Suite(.serialized) struct LLaMAFactoryTests {
  /// A project with a tiny model, and datasets as `dataset_info.json` describes them.
  private static func project() throws -> Project {
    let project = try Project(rows: 1)
    func lines(_ row: (Int) -> String) -> String { (0..<20).map(row).joined(separator: "\n") + "\n" }
    func list(_ row: (Int) -> String) -> String { "[" + (0..<20).map(row).joined(separator: ",\n") + "]\n" }
    let files = [
      "alpaca.json": list { #"{"instruction": "Say \#($0).", "input": "", "output": "This is \#($0)."}"# },
      "talk.jsonl": lines {
        #"{"conversations": [{"from": "human", "value": "Q \#($0)"}, {"from": "gpt", "value": "A \#($0)"}]}"#
      },
      "pairs.jsonl": lines {
        #"{"conversations": [{"from": "human", "value": "Q \#($0)"}], "chosen": {"from": "gpt", "value": "good \#($0)"}, "rejected": {"from": "gpt", "value": "bad \#($0)"}}"#
      },
      "judged.jsonl": lines {
        #"{"messages": [{"role": "user", "content": "Q \#($0)"}, {"role": "assistant", "content": "A \#($0)"}], "label": \#($0 % 2 == 0)}"#
      },
      "texts.jsonl": lines { #"{"text": "A text about \#($0), and some more of it."}"# },
      "dataset_info.json": #"""
      {
        "alpaca": {"file_name": "alpaca.json"},
        "talk": {"file_name": "talk.jsonl", "formatting": "sharegpt"},
        "pairs": {"file_name": "pairs.jsonl", "formatting": "sharegpt", "ranking": true,
          "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}},
        "judged": {"file_name": "judged.jsonl", "formatting": "sharegpt",
          "columns": {"messages": "messages", "kto_tag": "label"},
          "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}},
        "texts": {"file_name": "texts.jsonl", "columns": {"prompt": "text"}}
      }
      """#,
    ]
    for (name, text) in files { try project.folder.write(text, to: "data/\(name)") }
    return project
  }

  /// The keys that examples have, for a tiny model.
  private static let head = """
    model_name_or_path: tiny
    trust_remote_code: true
    do_train: true
    template: qwen
    cutoff_len: 128
    overwrite_cache: true
    preprocessing_num_workers: 16
    logging_steps: 1
    save_steps: 500
    plot_loss: true
    report_to: none
    per_device_train_batch_size: 2
    gradient_accumulation_steps: 4
    learning_rate: 1.0e-4
    max_steps: 2
    lr_scheduler_type: cosine
    warmup_ratio: 0.1

    """

  @Test("a training file runs, its adapter lies where it says, and what it became runs nothing again")
  func sft() throws {
    let project = try Self.project()
    try project.folder.write(
      Self.head
        + "stage: sft\nfinetuning_type: lora\ndataset: alpaca,talk\noutput_dir: saves/sft\nval_size: 0.2\ndo_eval: true\n",
      to: "train.yaml")
    let run = try project.anneal("run", "train.yaml", "learning_rate=2e-4")
    #expect(run.code == 0, "\(run.messages)")
    #expect(
      run.messages.hasPrefix(
        "train.yaml is a file of LLaMA-Factory's: 19 keys became a pipeline of 10 nodes, 4 decide nothing here; `anneal expand` shows it\n"
      ),
      "\(run.messages)")
    for name in [
      "saves/sft/adapter_model.safetensors", "results/train/evaluate/metrics.json",
      "results/train/train/trainer_state.json",
    ] {
      #expect(FileManager.default.fileExists(atPath: project.folder.path(name)), "\(name)")
    }
    let adapter = try readJSON(project.folder.path("saves/sft/adapter_config.json"))
    #expect(adapter["r"]?.int == 8 && adapter["lora_alpha"]?.int == 16)
    #expect(adapter["base_model_name_or_path"]?.string == "tiny")
    let steps = try String(contentsOfFile: project.folder.path("results/train/train/metrics.jsonl"), encoding: .utf8)
    #expect(steps.split(separator: "\n").count == 2)

    let expanded = try project.anneal("expand", "train.yaml", "learning_rate=2e-4")
    #expect(expanded.code == 0 && expanded.messages.isEmpty, "\(expanded.messages)")
    try project.folder.write(expanded.output, to: "pipeline2.yaml")
    let again = try project.anneal("run", "pipeline2.yaml")
    #expect(again.code == 0, "\(again.messages)")
    #expect(try Set(project.states().values) == ["cached"], "what is written is what ran")
    #expect(try project.anneal("why", "train.yaml", "train", "learning_rate=2e-4").output.contains("does not run"))
    #expect(try project.anneal("plan", "train.yaml", "learning_rate=1e-3").output.contains("train"))
  }

  /// Keys beside ``head``, and files that the run leaves.
  private struct Training {
    var keys: String
    var files: [String]

    init(_ keys: String, _ files: [String]) {
      self.keys = keys
      self.files = files
    }
  }

  private static let trainings: [Training] = [
    Training("stage: pt\nfinetuning_type: lora\ndataset: texts\noutput_dir: out", ["out/adapter_model.safetensors"]),
    Training(
      "stage: sft\nfinetuning_type: full\ndataset: alpaca\noutput_dir: out\nuse_adam_mini: true",
      ["out/model.safetensors"]),
    Training(
      "stage: sft\nfinetuning_type: full\ndataset: alpaca\nuse_galore: true\ngalore_rank: 4\noutput_dir: out",
      ["out/config.json"]),
    Training(
      "stage: sft\nfinetuning_type: freeze\nfreeze_trainable_layers: 1\ndataset: alpaca\noutput_dir: out",
      ["out/model.safetensors"]),
    Training(
      "stage: sft\nfinetuning_type: oft\noft_block_size: 8\ndataset: alpaca\noutput_dir: out",
      ["out/adapter_model.safetensors"]),
    Training(
      "stage: sft\nquantization_bit: 4\nuse_dora: true\nneat_packing: true\ndataset: talk\noutput_dir: out",
      ["out/adapter_config.json"]),
    Training(
      "stage: dpo\ndataset: pairs\nval_size: 0.2\neval_strategy: steps\neval_steps: 1\noutput_dir: out",
      ["results/train/evaluate/metrics.json"]),
    Training("stage: dpo\npref_loss: orpo\ndataset: pairs\noutput_dir: out", ["out/adapter_model.safetensors"]),
    Training("stage: kto\ndataset: judged\noutput_dir: out", ["out/adapter_model.safetensors"]),
    Training("stage: rm\ndataset: pairs\noutput_dir: out", ["out/value_head.safetensors"]),
  ]

  @Test("every stage and method that LLaMA-Factory has runs", arguments: trainings.indices)
  func trains(index: Int) throws {
    let project = try Self.project()
    let (keys, files) = (Self.trainings[index].keys, Self.trainings[index].files)
    try project.folder.write(Self.head + keys + "\n", to: "train.yaml")
    let run = try project.anneal("run", "train.yaml")
    #expect(run.code == 0, "\(keys): \(run.messages)")
    for file in files { #expect(FileManager.default.fileExists(atPath: project.folder.path(file)), "\(keys): \(file)") }
  }

  @Test("an adapter is trained further, asked, merged and exported by the files that examples have for it")
  func chain() throws {
    let project = try Self.project()
    try project.folder.write(Self.head + "dataset: alpaca\noutput_dir: saves/one\n", to: "train.yaml")
    #expect(try project.anneal("run", "train.yaml").code == 0)
    try project.folder.write(
      Self.head + "dataset: talk\noutput_dir: saves/two\nadapter_name_or_path: saves/one\n", to: "further.yaml")
    let further = try project.anneal("run", "further.yaml")
    #expect(further.code == 0, "\(further.messages)")
    try project.folder.write(
      """
      {"model_name_or_path": "tiny", "adapter_name_or_path": "saves/one,saves/two", "template": "qwen",
       "export_dir": "merged", "export_size": 5, "export_device": "cpu", "export_legacy_format": false}
      """, to: "merge.json")
    let merge = try project.anneal("run", "merge.json")
    #expect(merge.code == 0, "\(merge.messages)")
    #expect(FileManager.default.fileExists(atPath: project.folder.path("merged/model.safetensors")))
    try project.folder.write(
      """
      model_name_or_path: merged
      stage: sft
      do_predict: true
      eval_dataset: alpaca
      template: qwen
      cutoff_len: 128
      max_samples: 3
      predict_with_generate: true
      max_new_tokens: 4
      do_sample: false
      """, to: "predict.yaml")
    let predict = try project.anneal("run", "predict.yaml")
    #expect(predict.code == 0, "\(predict.messages)")
    let answers = try String(
      contentsOfFile: project.folder.path("results/predict/answers/answers.jsonl"), encoding: .utf8)
    let lines = try answers.split(separator: "\n").map { try JSON(parsing: String($0)) }
    #expect(lines.count == 3 && lines[1]["label"]?.string == "This is 1.\n", "\(answers)")
    #expect(lines.allSatisfy { $0["prompt"]?.string?.contains("Say ") == true && ($0["tokens"]?.int ?? 9) <= 4 })
  }

  @Test("problems of nodes stand at the key that they come from, with those of the file")
  func problemsOfNodes() throws {
    let project = try Self.project()
    try project.folder.write(
      "model_name_or_path: tiny\ndo_train: true\ndataset: alpaca\ncutoff_len: 64\nlora_rnk: 4\nlearning_rate: -1\n",
      to: "train.yaml")
    let outcome = try project.anneal("validate", "train.yaml")
    #expect(outcome.code == 2)
    #expect(
      outcome.messages == """
        train.yaml:5:1: error: LLaMA-Factory has no key `lora_rnk`
            lora_rnk: 4
            ^
          at `lora_rnk`
          try: `lora_rank`
        train.yaml:6:16: error: `-1` is out of range
            learning_rate: -1
                           ^
          at `nodes.train.learning_rate`
          why: it must be at least 0

        """, "\(outcome.messages)")
  }

  @Test("key=value is for files that become pipelines, and a pipeline says what to write")
  func settingsOfPipelines() throws {
    let project = try Project(rows: 1)
    let outcome = try project.anneal("validate", "pipeline.yaml", "epochs=3")
    #expect(
      outcome.messages == """
        error: `epochs=3` has no effect here
          why: `key=value` behind the file is for recipes and for files of other programs
          try: `--set epochs=3`

        """, "\(outcome.messages)")
    #expect(outcome.code == 2)
    let expand = try project.anneal("expand", "pipeline.yaml")
    #expect(
      expand.messages == """
        pipeline.yaml: error: There is nothing to expand: the file is a pipeline
          why: what becomes one is told by its keys: a recipe `recipe`, LLaMA-Factory's files `model_name_or_path`, Axolotl's `base_model`, torchtune's maps with `_component_`
          try: `anneal validate` checks a pipeline, `anneal graph` draws it

        """, "\(expand.messages)")
  }
}
