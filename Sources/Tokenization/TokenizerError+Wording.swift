import Diagnostics

extension TokenizerError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    let (summary, reason, advice) = words
    return [
      Diagnostic(
        code: "tokenizer", summary, at: Place(file: file, byteOffset: byteOffset), path: path, reason: reason,
        advice: advice)
    ]
  }

  private var words: (summary: String, reason: String?, advice: String?) {
    switch problem {
    case .missing(let expected): ("Missing \(expected)", nil, nil)
    case .wrongType(let expected, let found): ("Expected \(expected), found \(found)", nil, nil)
    case .unknownName(let kind, let name, let known):
      (
        "Unknown \(kind) `\(name)`", "known: [\(known.joined(separator: ", "))]",
        nearestName(to: name, among: known).map { "`\($0)`" }
      )
    case .unsupported(let what, let reason): ("Unsupported \(what)", reason, nil)
    case .invalidValue(let what, let reason): ("Invalid \(what)", reason, nil)
    case .unknownToken(let token): ("Token `\(token)` is not in the vocabulary", nil, nil)
    case .duplicateToken(let token): ("Token `\(token)` stands twice in the vocabulary", nil, nil)
    case .duplicateID(let id, let first, let second):
      ("Tokens `\(first)` and `\(second)` have the same id \(id)", nil, nil)
    case .idOutOfRange(let id, let limit): ("Token id \(id) is out of range", "ids go from 0 to \(limit)", nil)
    case .otherID(let token, let written, let given):
      (
        "Token `\(token)` is said to have the id \(written), but gets \(given)",
        "transformers takes no id from this file: a token that the vocabulary lacks gets the next free one",
        "write \(given) if that is the id the model knows, else put the token into `tokenizer.json`"
      )
    case .foreign(let kind): kind.words
    case .invalidMerge(let text):
      ("Invalid merge `\(text)`", "a merge is two tokens: `\"a b\"` or `[\"a\", \"b\"]`", nil)
    case .scoresWithoutOrder(let score, let count):
      (
        "All \(count) pieces have the score \(score)",
        "scores say which pieces are put together first; this file was made without them",
        "load the tokenizer from the model's own folder, or convert the model again with its `tokenizer.model`"
      )
    case .invalidPattern(let pattern, let reason): ("Invalid pattern `\(pattern)`", reason, nil)
    case .patternGivenUp(let pattern, let limit, let offset, let count):
      (
        "The pattern `\(pattern)` gives up on a text of \(count) bytes",
        "at byte \(offset) \(limit.words)",
        "leave the text out, or write the pattern so that it does not try so many ways"
      )
    case .withoutTokenizerJSON(let name, let known):
      (
        "Tokenizer class `\(name)` is not read without `tokenizer.json`",
        "`vocab.json` and `merges.txt` do not say how text is cut; known for that are [\(known.joined(separator: ", "))]",
        "load it with transformers and save it: `AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`"
      )
    case .noTokenizer(let expected):
      ("No tokenizer here", "looked for [\(expected.joined(separator: ", "))]", nil)
    }
  }
}

extension TokenizerError.MatchingLimit {
  fileprivate var words: String {
    switch self {
    case .steps(let count): "it takes more than \(count) steps"
    case .bytes(let count): "it takes more than \(count >> 20) MiB of memory"
    case .seconds(let count): "it has been looking for more than \(count) s"
    case .other(let number): "PCRE2 reports its error \(number)"
    }
  }
}
