import LanguageModels
import Tensors

/// Completes many prompts together, each several times, with tokens that are drawn from the model's own distribution.
///
/// A step of all sequences reads every weight once. The tokens of a completion are a function of the model, the prompt, the
/// key and the completion's place, up to what rounding makes of the company that it is computed in.
package struct CompletionSampler {
  /// What a model made of a prompt.
  package struct Completion: Sendable, Hashable {
    /// With the token that ended it.
    package var ids: [Int32]
    /// Whether it was cut off before it came to an end.
    package var isTruncated: Bool

    package init(ids: [Int32], isTruncated: Bool) {
      self.ids = ids
      self.isTruncated = isTruncated
    }
  }

  package let model: LanguageModel
  /// What logits are divided by; 0 takes the likeliest token always.
  package var temperature: Float
  package var maximumTokens: Int
  /// Tokens that end a completion and belong to it.
  package var stops: Set<Int32>
  /// The most sequences that are continued together, unless one prompt has more completions; bounds memory.
  package var slots: Int

  package static let usualSlots = 64

  package init(
    _ model: LanguageModel, temperature: Float = 1, maximumTokens: Int, stops: Set<Int32>, slots: Int = usualSlots
  ) {
    self.model = model
    self.temperature = temperature
    self.maximumTokens = maximumTokens
    self.stops = stops
    self.slots = slots
  }

  /// Tokens of a prompt that are read in one pass, which bounds the memory of a long one.
  private static let tokensAPass = 512

  /// The completions of each prompt, `count` of each.
  ///
  /// Memory: the keys and values of the sequences that are continued together.
  /// - Parameter progress: Told after each token how many completions are done; what it throws ends the work.
  /// - Throws: ``GenerationError`` for an empty prompt and one that leaves no room, ``TensorError``.
  package func complete(
    _ prompts: [[Int32]], count: Int, key: RandomKey, progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> [[Completion]] {
    let limit = model.longestText
    for prompt in prompts {
      guard !prompt.isEmpty else { throw GenerationError.emptyPrompt }
      guard prompt.count < limit else { throw GenerationError.promptTooLong(tokens: prompt.count, limit: limit) }
    }
    let together = min(prompts.count, max(1, slots / max(1, count)))
    let longest = prompts.map(\.count).max() ?? 0
    let cache = model.keyValueCache(
      capacity: min(limit, longest + maximumTokens), slots: together * count)
    var completions: [[Completion]] = []
    for start in stride(from: 0, to: prompts.count, by: max(1, together)) {
      let wave = start..<min(prompts.count, start + together)
      let done = completions.count * count
      let found = try complete(Array(prompts[wave]), from: start, count, key, cache) { try progress(done + $0) }
      completions += stride(from: 0, to: found.count, by: count).map { Array(found[$0..<$0 + count]) }
    }
    return completions
  }

  /// A sequence that is being continued.
  private struct Open {
    var slot: Int
    var promptTokens: Int
    var random: CounterRandom
    var ids: [Int32] = []
  }

  /// Prompts that are completed together, one prompt's completions after the other's.
  private func complete(
    _ prompts: [[Int32]], from first: Int, _ count: Int, _ key: RandomKey, _ cache: KeyValueCache,
    progress: (Int) throws -> Void
  ) throws -> [Completion] {
    var done = [Completion?](repeating: nil, count: prompts.count * count)
    var open: [Open] = []
    var logits: [Tensor] = []
    for (index, prompt) in prompts.enumerated() {
      let slot = index * count
      logits += [Tensor](repeating: try read(prompt, cache, slot: slot), count: count)
      cache.copy(slot, to: slot + 1..<slot + count)
      open += (0..<count).map { copy in
        Open(
          slot: slot + copy, promptTokens: prompt.count,
          random: CounterRandom(key: key.child(UInt64(first + index)).child(UInt64(copy))))
      }
    }
    var next = Self.stacked(logits)
    while true {
      let chosen = choose(next, &open)
      var going: [Open] = []
      for (index, id) in chosen.enumerated() {
        open[index].ids.append(id)
        let one = open[index]
        let isFull =
          one.ids.count >= maximumTokens || one.promptTokens + one.ids.count >= model.longestText
        if stops.contains(id) || isFull {
          done[one.slot] = Completion(ids: one.ids, isTruncated: !stops.contains(id))
        } else {
          going.append(one)
        }
      }
      open = going
      try progress(done.count - open.count)
      if open.isEmpty { break }
      next = try model.nextLogits(open.compactMap(\.ids.last), cache: cache, slots: open.map(\.slot))
    }
    return done.compactMap { $0 }
  }

  private func read(_ prompt: [Int32], _ cache: KeyValueCache, slot: Int) throws -> Tensor {
    cache.truncate(to: 0, slot: slot)
    var start = 0
    while prompt.count - start > Self.tokensAPass {
      _ = try model.nextLogits(
        Array(prompt[start..<start + Self.tokensAPass]), cache: cache, slots: [slot], textLength: prompt.count)
      start += Self.tokensAPass
    }
    return try model.nextLogits(Array(prompt[start...]), cache: cache, slots: [slot])
  }

  /// Rows of logits as one array.
  private static func stacked(_ rows: [Tensor]) -> Tensor {
    let all = Tensor(uninitialized: [rows.count, rows.first?.count ?? 0])
    for (index, row) in rows.enumerated() {
      (all.pointer + index * all.columns).update(from: row.pointer, count: all.columns)
    }
    return all
  }

  private func choose(_ logits: Tensor, _ open: inout [Open]) -> [Int32] {
    guard temperature > 0 else { return model.compute.greatest(of: logits) }
    let uniforms = open.indices.map { open[$0].random.uniform() }
    return model.compute.draws(from: logits, temperature: temperature, uniforms: uniforms)
  }
}
