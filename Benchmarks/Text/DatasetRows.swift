import Foundation

extension Benchmark {
  /// From a file of rows to token shards, as a whole run with an empty store: the tokenizer is loaded, the program
  /// started twice, everything published.
  static let datasetRows = Benchmark("dataset", "rows loaded, rendered and tokenised by a whole run") { bench in
    let model = try bench.modelPath()
    let source = try String(contentsOfFile: bench.project + "/data/assistant.jsonl", encoding: .utf8)
    let copies = 10
    let project = try bench.emptyFolder("project")
    // A number in each user's message keeps the copies of a row apart.
    let rows = (0..<copies).flatMap { copy in
      source.split(separator: "\n").map { row in
        row.replacingOccurrences(
          of: #""role": "user", "content": ""#, with: #""role": "user", "content": "\#(copy): "#)
      }
    }
    try rows.joined(separator: "\n").write(toFile: project + "/rows.jsonl", atomically: true, encoding: .utf8)
    try """
    pipeline: rows
    nodes:
      tokenizer: {type: load_tokenizer, from: "\(model)"}
      rows: {type: load_dataset, from: rows.jsonl, format: messages}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 1024, overlong: truncate}
    outputs: [tokens]
    """.write(toFile: project + "/pipeline.yaml", atomically: true, encoding: .utf8)
    try bench.rate("empty store", amount: Double(rows.count), unit: "rows/s") {
      let store = try bench.emptyFolder("store")
      try bench.runAnneal(["run", "pipeline.yaml", "--store", store], in: project)
    }
  }
}
