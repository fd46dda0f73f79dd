import ChatTemplates
import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Rewards
import Tensors
import TokenShards
import Tokenization
import Training

extension StageInputs {
  /// Where rollouts are sampled that learn.
  ///
  /// - Parameters:
  ///   - size: Answers to a prompt.
  ///   - remembersPolicy: Whether log p of what was sampled is computed at once.
  ///   - reference: Whether answers are compared with a reference.
  func rollouts(
    _ fields: RolloutFields, size: Int, remembersPolicy: Bool, reference: Bool
  ) throws -> SampledRollouts {
    try rollouts(
      fields, size: size, temperature: fields.temperature, remembersPolicy: remembersPolicy,
      reference: reference ? self.reference(fields) : nil)
  }

  /// Where rollouts are sampled that are measured: the likeliest answer to each prompt.
  func rollouts(_ fields: RolloutFields) throws -> SampledRollouts {
    try rollouts(fields, size: 1, temperature: 0, remembersPolicy: false, reference: nil)
  }

  private func reference(_ fields: RolloutFields) throws -> SampledRollouts.Reference? {
    if let sync = fields.sync { return .moving(MovingReference(sync.moves)) }
    return try port(StageModel.reference.port).map { port in
      .model(
        try ModelArtefact(context, port: port, threads: threads).model(
          longest: TokenSet(data).longest + fields.maxCompletion))
    }
  }

  private func rollouts(
    _ fields: RolloutFields, size: Int, temperature: Double, remembersPolicy: Bool,
    reference: SampledRollouts.Reference?
  ) throws -> SampledRollouts {
    let tokenizer = try context.tokenizer()
    let format = ConversationFormat(data.details)
    let functions =
      try fields.rewards.sum(
        of: "rewards", context.sources, RewardContext(longestCompletion: fields.maxCompletion)
      ).terms + languageJudge(fields)
    let judge = try AnswerJudge(RewardSum(functions), tokenizer: tokenizer, model: rewardModel(fields))
    var source = SampledRollouts(
      SampledRollouts.Settings(
        size: size, temperature: temperature, maximumTokens: fields.maxCompletion,
        stops: Set(tokenizer.endOfTurnIDs).union(format?.stops ?? []),
        weights: functions.map(\.weight) + (judge.model == nil ? [] : [1]),
        names: functions.map(\.name) + (judge.model == nil ? [] : ["model"]), remembersPolicy: remembersPolicy),
      reference: reference, judge: judge.rewards)
    let (context, what) = (context, what)
    source.progress = { done, total in
      context.progress(ProgressUpdate(step: done, total: total, unit: "answers to \(what)"))
    }
    if size > 1 || remembersPolicy {
      source.onRound = { rollouts in
        for line in RoundWords.lines(of: rollouts, tokenizer) { context.log(line) }
      }
    }
    return source
  }

  /// The judge among the reward functions; none where none is wanted.
  private func languageJudge(_ fields: RolloutFields) throws -> [RewardTerm] {
    guard let field = fields.judge else { return [] }
    let artefact = try ModelArtefact(context, port: "judge_model", threads: threads)
    let conversations = try ConversationPrompts(artefact.view, context.tokenizer("judge_tokenizer"))
    return [field.term(try artefact.model(), conversations)]
  }

  private func rewardModel(_ fields: RolloutFields) throws -> RewardModel? {
    guard !context.inputs("reward_model").isEmpty else { return nil }
    let artefact = try ModelArtefact(context, port: "reward_model", threads: threads)
    guard let head = try artefact.scoreHead() else { return nil }
    return RewardModel(
      model: try artefact.model(longest: TokenSet(data).longest + fields.maxCompletion), head: head)
  }
}

/// A model that scores answers by its head.
struct RewardModel {
  let model: LanguageModel
  let head: ScoreHead

  /// The scores of prompts with their answers.
  func scores(of rollouts: [Rollout]) throws -> [Double] {
    let sequences = rollouts.map {
      TokenSequence(
        ids: $0.prompt + $0.completion,
        lossMask: [Bool](repeating: false, count: $0.prompt.count + $0.completion.count))
    }
    return try microBatches(lengths: sequences.map(\.ids.count), budget: TrainingSettings.tokenBudget).flatMap { run in
      let tape = Tape(compute: model.compute, records: false)
      return try ScoredSequences(sequences[run]).scores(model, head, on: tape).value.values.map { Double($0) }
    }
  }
}

/// What gives answers their rewards: functions of their texts, and perhaps a model.
struct AnswerJudge {
  let functions: RewardSum
  let tokenizer: Tokenizer
  let model: RewardModel?

  init(_ functions: RewardSum, tokenizer: Tokenizer, model: RewardModel?) {
    self.functions = functions
    self.tokenizer = tokenizer
    self.model = model
  }

  /// The rewards of each rollout, one a function, the model's last.
  func rewards(_ rollouts: [Rollout], _ rows: [TokenRow]) throws -> [[Double?]] {
    let samples = try zip(rollouts, rows).map { rollout, row in
      RewardSample(
        prompt: try tokenizer.decode(rollout.prompt, skipsSpecialTokens: false),
        question: try tokenizer.decode(rollout.prompt, skipsSpecialTokens: true),
        completion: try tokenizer.decode(rollout.completion, skipsSpecialTokens: true), ids: rollout.completion,
        isEnded: !rollout.isTruncated, row: row.columnValues)
    }
    let terms = try functions.scores(of: samples).terms
    let scores = try model?.scores(of: rollouts)
    return rollouts.indices.map { index in
      terms.map { $0.rewards[index] } + (scores.map { [$0[index]] } ?? [])
    }
  }
}

/// What is told of a round of sampling in the log.
enum RoundWords {
  /// The most characters of an answer that are shown.
  private static let shown = 160

  /// A line about the round, and its best and its worst answer to the first prompt.
  static func lines(of rollouts: [Rollout], _ tokenizer: Tokenizer) -> [String] {
    let rewards = rollouts.compactMap(\.reward)
    guard !rewards.isEmpty else { return ["a round of \(rollouts.count) answers, none of which has a reward"] }
    let mean = rewards.reduce(0, +) / Double(rewards.count)
    let truncated = rollouts.count { $0.isTruncated }
    let tokens = rollouts.reduce(0) { $0 + $1.completion.count } / rollouts.count
    var lines = [
      "a round of \(rollouts.count) answers: reward \(EventWords.value(mean, .plain)), \(tokens) tokens each, "
        + "\(truncated) cut off"
    ]
    let first = rollouts.filter { $0.row == rollouts[0].row && $0.reward != nil }
    let sorted = first.sorted { ($0.reward ?? 0) > ($1.reward ?? 0) }
    for rollout in sorted.count > 1 ? [sorted[0], sorted[sorted.count - 1]] : sorted {
      let text = (try? tokenizer.decode(rollout.completion, skipsSpecialTokens: true)) ?? ""
      let line = text.replacing("\n", with: "⏎")
      lines.append(
        "  \(EventWords.value(rollout.reward ?? 0, .plain)): \(line.prefix(shown))\(line.count > shown ? "…" : "")")
    }
    return lines
  }
}
