import Glibc

/// What is minimised over the pairs of a step: losses with their weights, and what is added to them.
package struct PairObjective: Sendable {
  package struct Term: Sendable {
    package var loss: PairLoss
    package var weight: Double

    package init(_ loss: PairLoss, weight: Double = 1) {
      self.loss = loss
      self.weight = weight
    }
  }

  package var terms: [Term]
  /// β: how much the policy is held to the reference; rewards are log-ratios times it.
  package var beta: Double
  /// ε: the share of pairs that are believed to be the wrong way round.
  package var labelSmoothing: Double
  /// γ of SimPO.
  package var margin: Double
  /// What takes the place of the log-ratios (arXiv:2309.16240), or of the mean log-probabilities (arXiv:2501.03884).
  package var divergence: Divergence?
  /// λ: how much −log p of the chosen answer, its mean over tokens, counts beside the losses.
  package var supervised: Double
  /// What a token beyond the length of the shorter answer counts (arXiv:2409.06411).
  package var tailWeight: Double
  /// Whether a pair counts as much as the model would say its answers (arXiv:2406.11827).
  package var isWeighted: Bool

  package init(
    _ terms: [Term], beta: Double = 0.1, labelSmoothing: Double = 0, margin: Double = 0, divergence: Divergence? = nil,
    supervised: Double = 0, tailWeight: Double = 1, isWeighted: Bool = false
  ) {
    self.terms = terms
    self.beta = beta
    self.labelSmoothing = labelSmoothing
    self.margin = margin
    self.divergence = divergence
    self.supervised = supervised
    self.tailWeight = tailWeight
    self.isWeighted = isWeighted
  }

  /// Whether what is shown of the answers are means over their tokens: where every loss is of means.
  package var isOfMeans: Bool { terms.allSatisfy(\.loss.isOfMeans) }

  /// Whether no pair has a loss of its own before all of the step are known.
  package var needsWholeStep: Bool { terms.contains { $0.loss.sorting != nil } || usesRunningMean }

  /// Whether rewards are compared with their mean over the steps so far.
  package var usesRunningMean: Bool { terms.contains { $0.loss.name == "bco_pair" } }

  /// What tells it from others.
  var identity: String {
    let names = terms.map { "\($0.loss.name)*\($0.weight)" }.joined(separator: "+")
    return
      "\(names) beta \(beta) smoothing \(labelSmoothing) margin \(margin) divergence \(String(describing: divergence))"
      + " supervised \(supervised) tail \(tailWeight) weighted \(isWeighted)"
  }

  /// The verdicts about pairs: all of a step where ``needsWholeStep``, otherwise any of them.
  ///
  /// - Parameter shift: The running mean of rewards.
  package func verdicts(_ pairs: [PairScores], shift: Double = 0) -> [PairVerdict] {
    var verdicts = pairs.map { PairVerdict($0, beta: beta, ofMeans: isOfMeans, divergence) }
    for term in terms {
      switch term.loss.sorting {
      case nil:
        for (index, pair) in pairs.enumerated() {
          verdicts[index].add(slope(of: term.loss, pair, shift), weight: term.weight)
        }
      case .differences:
        let own = order(pairs) { $0.chosen.policy - $0.rejected.policy }
        let theirs = order(pairs) { $0.chosen.reference - $0.rejected.reference }
        for (own, theirs) in zip(own, theirs) {
          let slope = term.loss.value(terms(chosen: own.value, rejected: theirs.value))
          verdicts[own.place].add(PairLoss.Slope(slope.loss, slope.chosen), weight: term.weight)
        }
      case .answers:
        let chosen = order(pairs) { $0.chosen.ratio }
        let rejected = order(pairs) { $0.rejected.ratio }
        for (own, other) in zip(chosen, rejected) {
          let slope = term.loss.value(terms(chosen: own.value, rejected: other.value))
          verdicts[own.place].add(PairLoss.Slope(slope.loss, slope.chosen, 0), weight: term.weight)
          verdicts[other.place].add(PairLoss.Slope(0, 0, slope.rejected), weight: term.weight)
        }
      }
    }
    for (index, pair) in pairs.enumerated() {
      if isWeighted { verdicts[index].scale(by: min(1, exp(pair.chosen.likelihood + pair.rejected.likelihood))) }
      if supervised != 0 { verdicts[index].addSupervised(pair.chosen, weight: supervised) }
    }
    return verdicts
  }

  /// A loss of one pair by itself, with its derivatives by the answers' summed log-probabilities.
  private func slope(of loss: PairLoss, _ pair: PairScores, _ shift: Double) -> PairLoss.Slope {
    var (chosen, rejected) =
      loss.isOfMeans
      ? (pair.chosen.meanRatio, pair.rejected.meanRatio) : (pair.chosen.ratio, pair.rejected.ratio)
    var (chosenSlope, rejectedSlope) = (1.0, 1.0)
    if let divergence, loss.isOfDifference {
      (chosenSlope, rejectedSlope) = (divergence.slope(chosen), divergence.slope(rejected))
      (chosen, rejected) = (divergence(chosen), divergence(rejected))
    }
    var slope = loss.value(terms(chosen: chosen, rejected: rejected, shift: shift))
    if loss.isOfMeans {
      chosenSlope /= Double(pair.chosen.tokens)
      rejectedSlope /= Double(pair.rejected.tokens)
    }
    slope.chosen *= chosenSlope
    slope.rejected *= rejectedSlope
    return slope
  }

  private func terms(chosen: Double, rejected: Double, shift: Double = 0) -> PairTerms {
    PairTerms(
      chosen: chosen, rejected: rejected, beta: beta, smoothing: labelSmoothing, margin: margin, shift: shift)
  }

  private func order(_ pairs: [PairScores], _ value: (PairScores) -> Double) -> [(place: Int, value: Double)] {
    pairs.enumerated().map { (place: $0.offset, value: value($0.element)) }
      .sorted { ($0.value, $0.place) < ($1.value, $1.place) }
  }
}
