/// What two models give to an answer.
package struct AnswerScores: Sendable, Hashable {
  /// The log-probability of the answer, summed over its tokens, in nats.
  package var policy: Double
  /// That of the reference; 0 where there is none.
  package var reference: Double
  package var tokens: Int
  /// The mean over its tokens of log p less log Σ p² of the whole vocabulary, where that is asked for.
  package var likelihood: Double

  package init(_ policy: Double, reference: Double = 0, tokens: Int = 1, likelihood: Double = 0) {
    self.policy = policy
    self.reference = reference
    self.tokens = tokens
    self.likelihood = likelihood
  }

  var ratio: Double { policy - reference }
  var meanRatio: Double { ratio / Double(tokens) }
}

/// What two models give to the answers of a pair.
package struct PairScores: Sendable, Hashable {
  package var chosen: AnswerScores
  package var rejected: AnswerScores

  package init(chosen: AnswerScores, rejected: AnswerScores) {
    self.chosen = chosen
    self.rejected = rejected
  }
}

/// What an objective says about one pair.
package struct PairVerdict: Sendable, Hashable {
  package private(set) var loss = 0.0
  /// The derivatives of the loss by the policy's summed log-probabilities.
  package private(set) var chosen = 0.0
  package private(set) var rejected = 0.0
  /// β times what the loss compares, of each answer.
  package let rewards: PairLogProbabilities
  /// The policy's log-probabilities as the loss takes them.
  package let logProbabilities: PairLogProbabilities
  /// What the pair counts.
  package private(set) var weight = 1.0
  /// −log p of the chosen answer, its mean over tokens.
  package let negativeLogLikelihood: Double

  init(_ pair: PairScores, beta: Double, ofMeans: Bool, _ divergence: Divergence?) {
    func shown(_ answer: AnswerScores) -> (reward: Double, logProbability: Double) {
      let ratio = ofMeans ? answer.meanRatio : answer.ratio
      let compared = divergence.map { $0.isShown ? $0(ratio) : ratio } ?? ratio
      return (beta * compared, ofMeans ? answer.policy / Double(answer.tokens) : answer.policy)
    }
    let (chosen, rejected) = (shown(pair.chosen), shown(pair.rejected))
    rewards = PairLogProbabilities(chosen: chosen.reward, rejected: rejected.reward)
    logProbabilities = PairLogProbabilities(chosen: chosen.logProbability, rejected: rejected.logProbability)
    negativeLogLikelihood = -pair.chosen.policy / Double(pair.chosen.tokens)
  }

  mutating func add(_ slope: PairLoss.Slope, weight: Double) {
    loss += weight * slope.loss
    chosen += weight * slope.chosen
    rejected += weight * slope.rejected
  }

  mutating func scale(by factor: Double) {
    weight *= factor
    loss *= factor
    chosen *= factor
    rejected *= factor
  }

  mutating func addSupervised(_ answer: AnswerScores, weight: Double) {
    loss += weight * negativeLogLikelihood
    chosen -= weight / Double(answer.tokens)
  }
}
