import Foundation
import Tokenization

extension Benchmark {
  /// Text to ids on one thread, the tokenizer loaded.
  ///
  /// A text that is new to the tokenizer costs the merging of every word that comes up; one that came before is found in
  /// the cache of words. Real texts are in between.
  static let encoding = Benchmark("encoding", "text to ids, one thread, and loading the tokenizer") { bench in
    let model = try bench.modelPath()
    let text = try ["assistant", "preferences"].reduce(into: [UInt8]()) { text, name in
      text += try Data(contentsOf: URL(fileURLWithPath: "\(bench.project)/data/\(name).jsonl"))
    }
    let lines = text.split(separator: 0x0A)
    let megabytes = Double(text.count) / 1e6
    func encode(_ tokenizer: Tokenizer) throws {
      for line in lines { try line.withUnsafeBytes { _ = try tokenizer.encode($0, addsSpecialTokens: false) } }
    }
    try bench.time("load") { _ = try Tokenizer.load(path: model) }
    let clock = ContinuousClock()
    let first = try (0..<10).map { _ in
      let tokenizer = try Tokenizer.load(path: model)
      return try megabytes / (clock.measure { try encode(tokenizer) } / .seconds(1))
    }
    bench.record("new text", unit: "MB/s", values: first, isRate: true)
    let tokenizer = try Tokenizer.load(path: model)
    try bench.rate("known text", amount: megabytes, unit: "MB/s") { try encode(tokenizer) }
  }
}
