import PreciseJSON
import Tensors

extension GGUFReader {
  /// Whether the metadata speaks of experts.
  var hasExperts: Bool {
    mutating get { values.whole(key("expert_count"), default: 0) > 0 }
  }

  /// How scores of experts come about, as llama.cpp numbers it: 0 and a key that is missing are the family's own way.
  ///
  /// - Parameter own: What the family does, the one number that is taken.
  mutating func requireGating(_ own: Int) {
    values.require(key("expert_gating_func"), 0, JSON(own))
  }

  /// The factor of the weights of chosen experts.
  var expertScale: Float {
    mutating get { Float(realUnlessZero("expert_weights_scale") ?? 1) }
  }

  /// The groups that experts are chosen from; nil where all are one.
  ///
  /// - Parameter countsTwo: Whether the two best experts of a group are its score, not the best.
  mutating func expertGroups(countsTwo: Bool) -> RoutingRule.Groups? {
    let count = values.whole(key("expert_group_count"), default: 1)
    let chosen = values.whole(key("expert_group_used_count"), default: 1)
    return count > 1 ? RoutingRule.Groups(count: count, chosen: max(1, chosen), countsTwo: countsTwo) : nil
  }
}

extension ExpertReader {
  /// What GGUF files say.
  ///
  /// - Parameter sizeKey: The feed-forward size of an expert.
  init(_ reader: inout GGUFReader, sizeKey: String = "expert_feed_forward_length") {
    let count = reader.positive("expert_count")
    self.init(
      count: count, chosen: reader.positive("expert_used_count", atMost: count), size: reader.positive(sizeKey))
  }

  /// How many experts all tokens go to.
  func sharedCount(_ reader: inout GGUFReader) -> Int {
    sharedCount(&reader.values, reader.key("expert_shared_count"), default: 0)
  }
}

extension DeepseekExperts {
  /// What GGUF files say.
  init(_ reader: inout GGUFReader) {
    experts = ExpertReader(&reader)
    dense = reader.values.whole(reader.key("leading_dense_block_count"), default: 0)
    sharedCount = experts.sharedCount(&reader)
  }
}
