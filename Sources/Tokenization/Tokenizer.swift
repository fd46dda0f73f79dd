import Synchronization
import TensorFiles

/// Text to token ids and back, exactly as HF `tokenizers` does it for byte-pair models.
///
/// A value is cheap to copy and may be used from many threads at once; each call takes buffers of its own from a pool.
///
///     let tokenizer = try Tokenizer.load(path: "models/SmolLM2-135M-Instruct")
///     tokenizer.encode("Hello world")        // [19556, 905]
///     tokenizer.decode([19556, 905], skipsSpecialTokens: true)   // "Hello world"
package struct Tokenizer: Sendable {
  /// What decides encoding and decoding.
  let pipeline: TokenizerPipeline
  package let specialTokens: SpecialTokens
  /// Ids after which a generated answer is over, in rising order.
  ///
  /// The end-of-sequence tokens, and the end-of-turn marks known from chat formats that the vocabulary has.
  package let endOfTurnIDs: [Int32]
  /// What lays out conversations.
  package let chatTemplates: ChatTemplateSources
  /// The template for conversations without tools, nil when there is none.
  package var chatTemplateSource: String? { chatTemplates[ChatTemplateSources.defaultName] }
  let source: TokenizerSource
  let pool = ScratchPool()

  /// The greatest id plus 1.
  package var vocabularySize: Int {
    max(pipeline.model.vocabulary.idCount, Int(pipeline.addedTokens.map(\.id).max() ?? -1) + 1)
  }

  /// Tokens that are found in the text before anything is cut, by rising id.
  package var addedTokens: [AddedToken] { pipeline.addedTokens }

  /// The text of a token as the vocabulary writes it (`Ġthe` in byte-level vocabularies), nil for an id without one.
  package func token(for id: Int32) -> String? {
    if let added = pipeline.addedByID[id] { return added.content }
    return pipeline.model.vocabulary.bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The id of a token by its text in the vocabulary, nil when there is no such token.
  package func id(of token: String) -> Int32? {
    pipeline.addedTokens.first { $0.content.utf8.elementsEqual(token.utf8) }?.id
      ?? pipeline.model.vocabulary.id(of: token)
  }

  /// Whether the token is left out when special tokens are.
  package func isSpecial(_ id: Int32) -> Bool { pipeline.addedByID[id]?.isSpecial ?? false }
}

/// Where a tokenizer came from.
enum TokenizerSource: Sendable {
  /// Files that can be copied as they are.
  case files(FileSet)
  case gguf(name: String)

  /// Where it was read.
  var path: String {
    switch self {
    case .files(let files): files.origin
    case .gguf(let name): name
    }
  }
}

/// Buffers of one thread's work.
final class Scratch {
  let pieces = PieceBuffers()
  let encoder = PieceEncoder()
  private var ids = IDBuffer()

  /// The ids that `body` appends.
  func collect(_ body: (inout IDBuffer) -> Void) -> [Int32] {
    ids.removeAll()
    body(&ids)
    return Array(ids.ids())
  }
}

/// Buffers that wait for a thread to use them.
final class ScratchPool: Sendable {
  // A scratch is in the list or with one caller, never both.
  private struct Idle: @unchecked Sendable {
    var list: [Scratch] = []
  }

  private let idle = Mutex(Idle())

  /// Runs `body` with buffers that nobody else uses meanwhile.
  func with<T>(_ body: (Scratch) throws -> T) rethrows -> T {
    let scratch = Idle(list: [idle.withLock { $0.list.popLast() } ?? Scratch()])
    defer { idle.withLock { $0.list += scratch.list } }
    return try body(scratch.list[0])
  }
}
