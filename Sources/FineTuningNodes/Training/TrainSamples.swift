import Decoding
import LanguageModels
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Tokenization
import Training

/// What a model answers while it learns: the likeliest tokens behind the first prompts of a set.
struct TrainSamples {
  /// Tokens of a text that has no prompt which are given.
  private static let givenTokens = 16
  /// The most characters of an answer that the log shows.
  private static let shownCharacters = 200

  /// How often, how many prompts, and how long the answers are.
  struct Settings: Sendable, Hashable {
    var every: Int
    var prompts: Int
    var maximumTokens: Int
  }

  let tokenizer: Tokenizer
  let prompts: [[Int32]]
  let maximumTokens: Int
  let stops: Set<Int32>

  /// - Throws: What reading rows throws.
  init(_ settings: Settings, _ rows: TokenSet, _ data: ArtefactView, tokenizer: Tokenizer) throws {
    self.tokenizer = tokenizer
    maximumTokens = settings.maximumTokens
    stops = Set(tokenizer.endOfTurnIDs).union(StopToken.ids(of: data))
    prompts = try (0..<min(settings.prompts, rows.count)).compactMap {
      try rows.row($0).sequences.first.map(Self.prompt)
    }
  }

  /// What stands before the first label; of a text all of which is learned its first tokens.
  private static func prompt(_ sequence: TokenSequence) -> [Int32] {
    let first = sequence.lossMask.firstIndex(of: true) ?? sequence.ids.count
    return Array(sequence.ids.prefix(first > 1 ? first : givenTokens))
  }

  /// A record a prompt: `prompt` and `answer`.
  func records(_ model: LanguageModel) throws -> [JSON] {
    let sampler = CompletionSampler(model, temperature: 0, maximumTokens: maximumTokens, stops: stops)
    let answers = try sampler.complete(prompts, count: 1, key: RandomKey(seed: 0))
    return try zip(prompts, answers).map { prompt, answer in
      [
        "prompt": JSON(try tokenizer.decode(prompt, skipsSpecialTokens: false)),
        "answer": JSON(try tokenizer.decode(answer.first?.ids ?? [], skipsSpecialTokens: true)),
      ]
    }
  }

  /// What the log says of a record of samples.
  static func lines(_ record: JSON) -> [String] {
    guard let samples = record["samples"]?.array, let step = record["step"]?.int else { return [] }
    return samples.compactMap { sample in
      guard let answer = sample["answer"]?.string else { return nil }
      let line = answer.replacing("\n", with: "⏎")
      return "step \(step): answers “\(line.prefix(shownCharacters))\(line.count > shownCharacters ? "…" : "")”"
    }
  }

  static let member = "samples.jsonl"

  /// Records apart: those of samples, and all others.
  static func split(_ records: [JSON]) -> (samples: [JSON], others: [JSON]) {
    (records.filter { $0["samples"] != nil }, records.filter { $0["samples"] == nil })
  }

  /// A line a sample, with the step after which the model was asked.
  static func text(_ records: [JSON]) -> String {
    var text = ""
    for record in records {
      for sample in record["samples"]?.array ?? [] {
        let members = [(key: "step", value: record["step"] ?? .null)] + (sample.object?.members ?? [])
        text += JSON(members).text() + "\n"
      }
    }
    return text
  }

  /// What is missing for samples, or needless without them.
  static func conflicts(_ fields: TrainFields, _ inputs: InputTypes) -> [Inference.Conflict] {
    let tokenizer = StageModel.tokenizer.port
    if fields.samples != nil, inputs[tokenizer] == nil {
      return [
        .init(
          port: "samples", "`samples` wants a tokenizer that reads the answers",
          advice: "connect `\(tokenizer):` to the node of type `load_tokenizer`")
      ]
    }
    guard fields.samples == nil, inputs[tokenizer] != nil, !fields.stage.declaration.takesTokenizer else { return [] }
    return [
      .init(
        port: tokenizer, "`\(tokenizer)` has no effect without `samples`", advice: "leave it out, or say `samples:`")
    ]
  }
}
