import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The tokens of the longest text whose positions are those of short ones; nil where all texts have the same.
  package var boundary: Int? { blocks.lazy.compactMap { $0.attention.rotary?.scaling.boundary }.first }

  /// What `anneal inspect` tells of how a model is made, besides its sizes: the same words for all families.
  ///
  /// Where blocks differ, what differs is told with how many blocks have it.
  package var facts: [(key: String, value: JSON)] {
    var facts: [(key: String, value: JSON)] = [
      ("query_heads", told { "\($0.attention.heads)" }),
      ("key_value_heads", told { "\($0.attention.keyValueHeads)" }),
      ("head_dimension", told { "\($0.attention.headDimension)" }),
      ("feed_forward", told { $0.experts?.words ?? "\($0.feedForward.size)" }),
      ("attention", told { $0.attention.words }),
      ("window", told { $0.attention.window.map { "\($0)" } ?? "none" }),
      ("rotary", told { $0.attention.rotary?.words ?? "none" }),
    ]
    if let positions = embedding.positions { facts.append(("learned_positions", JSON(positions.count))) }
    if blocks.contains(where: { $0.wiring == .parallel }) {
      facts.append(("blocks", "attention and feed-forward part read the same input"))
    }
    if let cap = head.softCap { facts.append(("logits_capped_at", JSON(Double(cap)))) }
    return facts
  }

  /// What blocks have: one word where all have it, otherwise each with the number of blocks.
  private func told(_ word: (BlockConfiguration) -> String) -> JSON {
    let words = blocks.map(word)
    var order: [String] = []
    var counts: [String: Int] = [:]
    for word in words {
      if counts[word] == nil { order.append(word) }
      counts[word, default: 0] += 1
    }
    if order.count == 1, let only = order.first { return Int(only).map { JSON($0) } ?? JSON(only) }
    return JSON(
      order.map { "\($0) (\(counts[$0] ?? 0) \(counts[$0] == 1 ? "block" : "blocks"))" }.joined(separator: ", "))
  }
}

extension AttentionConfiguration {
  /// How queries, keys and values come about, and what scores go through.
  fileprivate var words: String {
    var words: [String] =
      switch projections {
      case .separate: [heads == keyValueHeads ? "causal" : "causal, grouped heads"]
      case .fused: ["causal, one map for queries, keys and values"]
      case .latent(let latent): ["causal, latent of \(latent.rank)"]
      }
    if queryNorm != nil { words.append("normed heads") }
    if let softCap { words.append("scores capped at \(softCap)") }
    if let clip { words.append("held within ±\(clip)") }
    if slopes != nil { words.append("linear biases") }
    if sinks != nil { words.append("sinks") }
    return words.joined(separator: ", ")
  }
}

extension ExpertsConfiguration {
  fileprivate var words: String {
    "\(rule.chosen) of \(count) experts of \(size)" + (shared.map { " and one of \($0.size) for all" } ?? "")
  }
}

extension RotaryConfiguration {
  fileprivate var words: String {
    func plain(_ number: Double) -> String { Int(exactly: number).map { "\($0)" } ?? "\(number)" }
    let part = "base \(plain(base)), \(dimension) elements of a head"
    switch scaling {
    case .none: return part
    case .linear(let factor): return part + ", linear scaling by \(plain(factor))"
    case .dynamic(let factor): return part + ", dynamic scaling by \(plain(factor))"
    case .alpha(let alpha): return part + ", base scaled by alpha \(plain(alpha))"
    case .llama3(let factor, _, _, let original):
      return part + ", llama3 scaling by \(plain(factor)) from \(original) positions"
    case .yarn(let yarn):
      return part + ", yarn scaling by \(plain(yarn.factor)) from \(yarn.originalMaximumPosition) positions"
    case .longRope(let longRope):
      return part + ", longrope scaling from \(longRope.originalMaximumPosition) positions"
    }
  }
}
