import ChatTemplates
import Decoding
import LanguageModels
import Pipeline
import Rewards
import Tensors
import Tokenization

/// `judge`: a language model that is asked for a mark.
struct JudgeField: FieldGroup {
  var instruction =
    "Here are a question and an answer.\n\nQuestion: {prompt}\n\nAnswer: {completion}\n\nHow good is the answer, from 0 "
    + "(wrong or useless) to 10 (right and to the point)? Say the number alone."
  var least = 0.0
  var most = 10.0
  var maxTokens = 16
  var weight = 1.0

  static let fields: [Field<Self>] = [
    Field(
      "instruction", \.instruction,
      doc: "What the judge is asked; `{prompt}` and `{completion}` stand for the texts of prompt and answer"),
    Field("minimum", \.least, doc: "The mark that is worth 0"),
    Field("maximum", \.most, doc: "The mark that is worth 1"),
    Field("max_tokens", \.maxTokens, in: 1...1_048_576, unit: "tokens", doc: "The longest verdict"),
    Field("weight", \.weight, doc: "How much it counts beside other rewards"),
  ]

  static let fieldDoc =
    "Asks the model at port `judge_model` for a mark of each answer: the first number that it says, from `minimum` to `maximum`, "
    + "becomes a reward from 0 to 1. An answer of which it says no number has none of this"

  /// A model as a reward function among others.
  func term(_ model: LanguageModel, _ conversations: ConversationPrompts) -> RewardTerm {
    RewardTerm(
      "judge", weight: weight,
      LanguageJudge(
        model: model, conversations: conversations, instruction: instruction, marks: least...most,
        maximumTokens: maxTokens))
  }

  /// What keeps it from being asked.
  func conflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    var conflicts: [Inference.Conflict] = []
    if least >= most {
      conflicts.append(
        .init(port: "judge.maximum", "The best mark is not above the worst one", advice: "raise `maximum`"))
    }
    if !instruction.contains("{completion}") {
      conflicts.append(
        .init(
          port: "judge.instruction", "The judge does not see the answer", reason: "`{completion}` stands nowhere",
          advice: "write it where the answer belongs"))
    }
    return conflicts
  }
}

/// A language model that marks answers: the likeliest verdict on each, several at a time.
struct LanguageJudge: RewardFunction {
  let model: LanguageModel
  let conversations: ConversationPrompts
  /// With `{prompt}` and `{completion}`.
  let instruction: String
  /// From the one that is worth 0 to the one that is worth 1.
  let marks: ClosedRange<Double>
  let maximumTokens: Int

  func rewards(of samples: [RewardSample]) throws -> [Double?] {
    let prompts = try samples.map { sample in
      let question = instruction.replacing("{prompt}", with: sample.question).replacing(
        "{completion}", with: sample.completion)
      return try conversations.ids([ChatMessage(role: "user", content: question)])
    }
    let sampler = CompletionSampler(
      model, temperature: 0, maximumTokens: maximumTokens, stops: conversations.stops)
    return try sampler.complete(prompts, count: 1, key: RandomKey(seed: 0)).map { verdicts in
      try verdicts.first.flatMap { verdict in
        Self.mark(in: try conversations.tokenizer.decode(verdict.ids, skipsSpecialTokens: true))
      }.map { ($0.clamped(to: marks) - marks.lowerBound) / (marks.upperBound - marks.lowerBound) }
    }
  }

  /// The first number of a verdict.
  static func mark(in text: String) -> Double? {
    text.firstMatch(of: /-?\d+(?:\.\d+)?/).flatMap { Double($0.output) }
  }
}

extension Double {
  fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
    min(max(self, range.lowerBound), range.upperBound)
  }
}
