import Diagnostics

/// What can be wrong with an adapter; worded below.
package enum AdapterError: Error, Sendable, Hashable {
  case unknownTarget(String, known: [String])
  case noTargets
  case rank(Int)
  case dropout(Float)
  case alpha(Float)
  /// A rank that has to be even.
  case oddRank(Int)
  /// A rank above what the weight of a map has.
  case rankAbove(Int, module: String, rank: Int)
  case unknownStart(String, known: [String])
  /// A start that follows from more than the weight, of which nothing was found out.
  case nothingFound(String)
  /// A text that is no regular expression.
  case pattern(String)
  /// Targets that no linear map is among.
  case nothingMatches(ModuleNames, known: [String])
  /// A number that no block has.
  case layer(Int, blocks: Int?)
  /// A module to be trained whole that the model does not have.
  case unknownModule(String, known: [String])
  /// A module to be trained whole that only training of all weights reaches.
  case untrainableModule(String)
  /// The model was read without the tensors that the adapter has in place of the base's.
  case notLoadedBeside(String)
  /// A number of the method's own.
  case option(String, wanted: String, found: String)
  /// A size that does not divide a map's.
  case indivisible(String, value: Int, module: String, size: Int)
  /// The model has an adapter already.
  case alreadyAttached
  case noAdapter
  /// A family whose embeddings are scaled after what stands before texts has joined them.
  case scaledEmbedding(family: String)
  /// A model before whose layers no keys and values can be put.
  case noPrefix(family: String, because: String)
  /// Tensors of the base that were to be trained beside a method that stands beside no map.
  case noBaseBesidePrompt(String)
}

extension AdapterError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .unknownTarget(let name, let known):
      let names = ["all_linear"] + known
      let near = nearestName(to: name, among: names).map { "Did you mean `\($0)`?" }
      return [
        Diagnostic(
          code: "adapter-target", "No linear map is named `\(name)`",
          advice: near ?? "Choose from [\(names.joined(separator: ", "))]")
      ]
    case .noTargets:
      return [
        Diagnostic(
          code: "adapter-target", "The adapter has no targets", advice: "Write `all_linear` to adapt every linear map")
      ]
    case .rank(let rank):
      return [Diagnostic(code: "adapter-rank", "The rank of an adapter is at least 1, not \(rank)")]
    case .dropout(let dropout):
      return [
        Diagnostic(code: "adapter-dropout", "The dropout of an adapter is at least 0 and below 1, not \(dropout)")
      ]
    case .alpha(let alpha):
      return [
        Diagnostic(
          code: "adapter-alpha", "The alpha of an adapter is a number that 32 bits hold, not \(alpha)",
          advice: "take twice the rank, or leave it out")
      ]
    case .oddRank(let rank):
      return [Diagnostic(code: "adapter-rank", "The rank of an orthogonal start is even, not \(rank)")]
    case .rankAbove(let most, let module, let rank):
      return [
        Diagnostic(
          code: "adapter-rank", "Rank \(rank) is above the \(most) singular values of `\(module)`",
          advice: "take a smaller rank, or another `init`")
      ]
    case .unknownStart(let name, let known):
      let near = nearestName(to: name, among: known).map { "Did you mean `\($0)`?" }
      return [
        Diagnostic(
          code: "adapter-init", "No start of an adapter is named `\(name)`",
          advice: near ?? "Choose from [\(known.joined(separator: ", "))]")
      ]
    case .nothingFound(let start):
      return [
        Diagnostic(
          code: "adapter-init", "An adapter that starts by `\(start)` wants more than the weights",
          advice: "attach it in a pipeline: `attach_adapter` with `init: \(start)`")
      ]
    case .pattern(let text):
      return [Diagnostic(code: "adapter-pattern", "`\(text)` is not a regular expression")]
    case .nothingMatches(let names, let known):
      let what =
        switch names {
        case .allLinear: "No linear map is left"
        case .list(let names): "No linear map is named \(names.sorted().map { "`\($0)`" }.joined(separator: ", "))"
        case .pattern(let text): "No linear map has a name that `\(text)` matches as a whole"
        }
      return [
        Diagnostic(
          code: "adapter-target", what, reason: "the model's are [\(known.joined(separator: ", "))] of each block",
          advice: "look at targets, excluded modules and layers")
      ]
    case .layer(let layer, let blocks):
      return [
        Diagnostic(
          code: "adapter-layer", "There is no block \(layer)",
          advice: blocks.map { "blocks are numbered from 0 to \($0 - 1)" } ?? "blocks are numbered from 0 on")
      ]
    case .unknownModule(let name, let known):
      let near = nearestName(to: name, among: known).map { "Did you mean `\($0)`?" }
      return [
        Diagnostic(
          code: "adapter-module", "No module's name ends in `\(name)`",
          reason: "outside of the blocks there are [\(known.joined(separator: ", "))]", advice: near)
      ]
    case .untrainableModule(let name):
      return [
        Diagnostic(
          code: "adapter-module", "`\(name)` has matrices that are not trained beside an adapter",
          reason: "experts and what chooses them are trained with all weights only",
          advice: "leave it out, or train the model without an adapter")
      ]
    case .notLoadedBeside(let name):
      return [
        Diagnostic(
          code: "adapter-attached", "The adapter has a `\(name)` of its own, and the model was read without it",
          advice: "read the model beside the adapter")
      ]
    case .option(let name, let wanted, let found):
      return [Diagnostic(code: "adapter-option", "`\(name)` takes \(wanted), not \(found)")]
    case .indivisible(let name, let value, let module, let size):
      return [
        Diagnostic(
          code: "adapter-option", "`\(name)` \(value) does not divide the \(size) of `\(module)`",
          advice: "take a divisor of \(size)")
      ]
    case .alreadyAttached:
      return [
        Diagnostic(
          code: "adapter-attached", "The model has an adapter already", advice: "Merge it before attaching another one"
        )
      ]
    case .noAdapter: return [Diagnostic(code: "no-adapter", "The model has no adapter")]
    case .scaledEmbedding(let family):
      return [
        Diagnostic(
          code: "adapter-prompt", "No learned tokens stand before the texts of this `\(family)` model",
          reason: "it scales embeddings once they are together, what was learned among them",
          advice: "take a method that stands beside linear maps, such as `lora`")
      ]
    case .noPrefix(let family, let reason):
      return [
        Diagnostic(
          code: "adapter-prompt", "No learned keys and values stand before those of this `\(family)` model",
          reason: reason, advice: "take `prompt_tuning`, or a method that stands beside linear maps")
      ]
    case .noBaseBesidePrompt(let method):
      return [
        Diagnostic(
          code: "adapter-prompt", "`\(method)` trains nothing of the model beside its tokens",
          advice: "leave `modules_to_save`, `trainable_token_indices` and `bias` out")
      ]
    }
  }
}
