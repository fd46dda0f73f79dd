/// What is wrong with a tokenizer's files, and where.
package struct TokenizerError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    /// Nothing stands where `expected` must.
    case missing(expected: String)
    case wrongType(expected: String, found: String)
    /// A component or setting whose name is not one of `known`.
    case unknownName(kind: String, name: String, known: [String])
    /// Something this program knows but does not do.
    case unsupported(String, reason: String)
    case invalidValue(String, reason: String)
    /// A merge or a setting speaks of a token that the vocabulary lacks.
    case unknownToken(String)
    case duplicateToken(String)
    case duplicateID(Int, first: String, second: String)
    case idOutOfRange(String, limit: Int)
    /// A file beside the vocabulary gives a token another id than HF does.
    case otherID(String, written: Int, given: Int)
    /// The file is something else than a `tokenizer.json`.
    case foreign(ForeignTokenizer)
    case invalidMerge(String)
    /// Pieces are to be merged by their scores, and all have the same one.
    case scoresWithoutOrder(score: Float, count: Int)
    case invalidPattern(String, reason: String)
    /// A pattern was given up on a text, which is not the same as finding nothing: at a byte of so many.
    case patternGivenUp(String, MatchingLimit, offset: Int, count: Int)
    /// GPT-2's own files under a class whose rules for cutting text are not known.
    case withoutTokenizerJSON(class: String, known: [String])
    /// A folder without any tokenizer in it.
    case noTokenizer(expected: [String])
  }

  /// How far a pattern may go in matching.
  package enum MatchingLimit: Sendable, Hashable {
    case steps(Int)
    case bytes(Int)
    case seconds(Int)
    /// Another error of the library, by its number.
    case other(Int32)
  }

  package var problem: Problem
  package var file: String
  /// The path inside the document, such as `pre_tokenizer.pretokenizers[0].type`.
  package var path: String?
  package var byteOffset: Int?

  package init(_ problem: Problem, file: String, path: String? = nil, byteOffset: Int? = nil) {
    self.problem = problem
    self.file = file
    self.path = path
    self.byteOffset = byteOffset
  }
}
