import LanguageModels
import Tensors

/// Continues token sequences with a model, keeping the keys and values of what it has read.
///
/// A prompt that begins as the last one did (the next turn of a conversation) is read from where they part. Not
/// `Sendable`: one conversation at a time.
package final class TokenGenerator {
  /// Why an answer ended.
  package enum Ending: String, Sendable {
    /// The model chose a stop token, which is not part of the answer.
    case stop
    /// The most tokens asked for were made.
    case length
    /// The model's context is full.
    case context
    /// The receiver of the tokens wanted no more.
    case cancelled
  }

  /// Tokens of a prompt that are read in one pass, which bounds the memory of a long one.
  private static let tokensAPass = 512
  /// Room in the cache is taken in steps of this many tokens.
  private static let cacheStep = 256

  package let model: LanguageModel
  private var cache: KeyValueCache
  /// The tokens in the cache.
  private var cached: [Int32] = []

  package init(_ model: LanguageModel) {
    self.model = model
    cache = model.keyValueCache(capacity: 0)
  }

  /// Continues `prompt`, giving each token to `receive` as soon as it is chosen.
  ///
  /// - Parameters:
  ///   - maximumTokens: The most tokens to make.
  ///   - stops: Tokens that end the answer.
  ///   - receive: Returns whether to go on.
  /// - Throws: ``GenerationError``, ``TensorError`` for ids outside the vocabulary, and what `receive` throws.
  package func generate(
    _ prompt: [Int32], sampling: SamplingSettings = .greedy, maximumTokens: Int, stops: Set<Int32> = [],
    receive: (Int32) throws -> Bool
  ) throws -> Ending {
    guard !prompt.isEmpty else { throw GenerationError.emptyPrompt }
    let limit = model.longestText
    guard prompt.count < limit else { throw GenerationError.promptTooLong(tokens: prompt.count, limit: limit) }
    guard maximumTokens > 0 else { return .length }
    reserve(prompt.count + min(maximumTokens, limit - prompt.count))

    var sampler = TokenSampler(sampling)
    var history = prompt
    var logits = try read(prompt)
    for made in 1...maximumTokens {
      let next = sampler.choose(UnsafeBufferPointer(logits.buffer), history: history)
      if stops.contains(next) { return .stop }
      history.append(next)
      guard try receive(next) else { return .cancelled }
      guard made < maximumTokens else { break }
      guard history.count < limit else { return .context }
      logits = try advance([next])
    }
    return .length
  }

  /// Reads the part of a prompt that the cache does not hold; the logits after it.
  private func read(_ prompt: [Int32]) throws -> Tensor {
    // At least one token must be read for its logits.
    let shared = min(zip(prompt, cached).prefix { $0 == $1 }.count, prompt.count - 1)
    cache.truncate(to: shared)
    cached.removeLast(cached.count - shared)
    var start = shared
    while prompt.count - start > Self.tokensAPass {
      _ = try advance(Array(prompt[start..<start + Self.tokensAPass]), of: prompt.count)
      start += Self.tokensAPass
    }
    return try advance(Array(prompt[start...]))
  }

  /// - Parameter textLength: How many tokens there are to be read.
  private func advance(_ ids: [Int32], of textLength: Int = 0) throws -> Tensor {
    let logits = try model.nextLogits(ids, cache: cache, textLength: textLength)
    cached += ids
    return logits
  }

  /// Makes room for `tokens` in all; a larger cache starts empty.
  private func reserve(_ tokens: Int) {
    guard tokens > cache.capacity else { return }
    let rounded = (tokens + Self.cacheStep - 1) / Self.cacheStep * Self.cacheStep
    cache = model.keyValueCache(
      capacity: min(model.longestText, max(rounded, 2 * cache.capacity)))
    cached = []
  }
}
