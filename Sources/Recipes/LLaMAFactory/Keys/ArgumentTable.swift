/// Every key of LLaMA-Factory's five classes of arguments.
package enum ArgumentTable {
  /// The keys by class, in the order of their declarations.
  package static let all: [(holder: ArgumentKey.Holder, keys: [ArgumentKey])] = [
    (.model, model), (.data, data), (.training, training), (.finetuning, finetuning), (.generating, generating),
  ]

  static let byName: [String: ArgumentKey] = Dictionary(
    all.flatMap(\.keys).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  static let names: [String] = all.flatMap { $0.keys.map(\.name) }

  /// Keys that files of earlier releases have, and what they are called since.
  static let formerNames: [String: String] = [
    "evaluation_strategy": "eval_strategy", "checkpoint_dir": "adapter_name_or_path", "cache_path": "tokenized_path",
    "dpo_beta": "pref_beta", "dpo_loss": "pref_loss", "dpo_ftx": "pref_ftx", "orpo_beta": "pref_beta",
    "kto_beta": "pref_beta", "num_layer_trainable": "freeze_trainable_layers",
    "name_module_trainable": "freeze_trainable_modules", "sft_packing": "packing", "efficient_packing": "neat_packing",
    "quantization": "quantization_bit", "image_resolution": "image_max_pixels", "video_resolution": "video_max_pixels",
    "finetuning_method": "finetuning_type", "dataset_name": "dataset", "max_seq_length": "cutoff_len",
    "lora_r": "lora_rank", "lora_target_modules": "lora_target", "export_dtype": "infer_dtype",
  ]
}

extension ArgumentTable {
  /// The table of all keys in Markdown: a section a class.
  package static var reference: String {
    var lines: [String] = []
    for (holder, keys) in all {
      lines += ["### \(holder.rawValue)", "", "| key | default | | what becomes of it |", "|---|---|---|---|"]
      lines += keys.map { key in
        let since = key.since.map { "; since \($0)" } ?? ""
        let words = key.words.replacing("|", with: "\\|") + key.adviceWords + since
        return "| `\(key.name)` | \(key.standard.map { "`\($0)`" } ?? "") | \(key.mark) | \(words) |"
      }
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }
}

extension ArgumentKey {
  fileprivate var mark: String {
    switch fate {
    case .becomes: "→"
    case .idle: "–"
    case .refused: "✗"
    }
  }

  fileprivate var adviceWords: String {
    guard case .refused(let allowed, let advice) = fate else { return "" }
    let accepted = allowed.isEmpty ? "" : "; \(allowed.map { "`\($0)`" }.joined(separator: ", ")) is as good as nothing"
    return accepted + (advice.map { ". Instead: \($0)" } ?? "")
  }
}
