import Foundation

extension Benchmark {
  /// Ten thousand nodes: datasets, each rendered and then tokenised, all with one tokenizer.
  ///
  /// In a store and a project without a past, as somebody meets the file first.
  static let largePlan = Benchmark("large-plan", "`anneal plan` of 10,000 nodes") { bench in
    let folder = try bench.emptyFolder("project")
    let tokenizer = try bench.modelPath()
    let chains = 3333
    var text = "pipeline: large\nnodes:\n  tokenizer: {type: load_tokenizer, from: \"\(tokenizer)\"}\n"
    for chain in 0..<chains {
      text += """
          rows_\(chain): {type: load_dataset, from: rows.jsonl, format: messages, max_rows: \(chain + 1)}
          chat_\(chain): {type: apply_template, dataset: rows_\(chain), tokenizer: tokenizer}
          tokens_\(chain): {type: tokenize, conversations: chat_\(chain), tokenizer: tokenizer, max_length: 512}

        """
    }
    try text.write(toFile: folder + "/large.yaml", atomically: true, encoding: .utf8)
    let row = #"{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}"#
    try (row + "\n").write(toFile: folder + "/rows.jsonl", atomically: true, encoding: .utf8)
    try bench.time("plan", runs: 5) {
      try bench.runAnneal(["plan", "large.yaml", "--store", folder + "/store"], in: folder)
    }
  }
}
