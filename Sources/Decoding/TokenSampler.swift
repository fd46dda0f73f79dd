import Foundation
import Tensors

/// Chooses tokens from logits.
///
/// The filters run in the order of Hugging Face's `generate`: repetition penalty, temperature, top-k, top-p, min-p. The
/// n-th choice is a function of the settings, the seed, n and the logits.
package struct TokenSampler: Sendable {
  /// A token that may be chosen.
  package struct Candidate: Sendable, Hashable {
    package var id: Int32
    package var probability: Float
  }

  package let settings: SamplingSettings
  private var random: CounterRandom

  package init(_ settings: SamplingSettings) {
    self.settings = settings
    random = CounterRandom(seed: settings.seed)
  }

  /// The next token.
  ///
  /// Cost: O(V), and sorting of the candidates that top-k leaves where top-p is set.
  /// - Parameters:
  ///   - logits: [V], not empty.
  ///   - history: The tokens of the text so far, the prompt's among them.
  package mutating func choose(_ logits: UnsafeBufferPointer<Float>, history: [Int32]) -> Int32 {
    let scores = penalised(logits, history)
    guard settings.temperature > 0 else { return Int32(scores.indices.max { scores[$0] < scores[$1] } ?? 0) }
    let candidates = candidates(scores)
    let target = random.uniform()
    var sum: Float = 0
    for candidate in candidates {
      sum += candidate.probability
      if target < sum { return candidate.id }
    }
    // Rounding may leave the sum a little below 1.
    return candidates.last?.id ?? 0
  }

  /// The tokens that may be chosen with their probabilities, the most likely first, of equals the lower id.
  ///
  /// - Precondition: The temperature is above 0.
  package func distribution(_ logits: UnsafeBufferPointer<Float>, history: [Int32]) -> [Candidate] {
    candidates(penalised(logits, history))
  }

  private func penalised(_ logits: UnsafeBufferPointer<Float>, _ history: [Int32]) -> [Float] {
    var scores = Array(logits)
    guard settings.repetitionPenalty != 1 else { return scores }
    for id in Set(history) where scores.indices.contains(Int(id)) {
      let score = scores[Int(id)]
      scores[Int(id)] = score < 0 ? score * settings.repetitionPenalty : score / settings.repetitionPenalty
    }
    return scores
  }

  private func candidates(_ scores: [Float]) -> [Candidate] {
    var kept = scores.indices.map { Candidate(id: Int32($0), probability: scores[$0] / settings.temperature) }
    if let topK = settings.topK, topK > 0, topK < kept.count {
      // As in Hugging Face, what equals the k-th stays.
      let least = kept.map(\.probability).sorted(by: >)[topK - 1]
      kept.removeAll { $0.probability < least }
    }
    kept.sort { ($1.probability, $0.id) < ($0.probability, $1.id) }
    Self.softmax(&kept)
    if let topP = settings.topP, topP < 1 {
      var sum: Float = 0
      let count = kept.firstIndex { candidate in
        sum += candidate.probability
        return sum >= topP
      }
      if let count { kept.removeLast(kept.count - count - 1) }
      Self.normalise(&kept)
    }
    if let minP = settings.minP, minP > 0, let first = kept.first {
      kept.removeAll { $0.probability < minP * first.probability }
      Self.normalise(&kept)
    }
    return kept
  }

  /// Turns scores, the greatest first, into probabilities.
  private static func softmax(_ candidates: inout [Candidate]) {
    guard let greatest = candidates.first?.probability else { return }
    for index in candidates.indices { candidates[index].probability = exp(candidates[index].probability - greatest) }
    normalise(&candidates)
  }

  private static func normalise(_ candidates: inout [Candidate]) {
    let sum = candidates.reduce(0) { $0 + Double($1.probability) }
    for index in candidates.indices {
      candidates[index].probability = Float(Double(candidates[index].probability) / sum)
    }
  }
}
