/// The expressions by which most models cut text, written out as code: the same pieces as ``Pattern`` finds, several
/// times faster.
///
/// PCRE2 stays the reference; a test holds every scanner to it.
enum TextScanner: Sendable, Equatable {
  /// GPT-2's expression.
  case gpt2
  /// The expression of cl100k, Llama 3 and Qwen: optional head and word, digits, punctuation, white space.
  ///
  /// - marksAreLetters: Whether `\p{M}` goes with `\p{L}`.
  /// - digits: How many digits a piece has at most.
  case words(marksAreLetters: Bool, digits: Int)
  /// The words of DeepSeek 3, after its digits and its Chinese and Japanese are cut off.
  case deepseekWords
  /// `\p{N}{1,limit}`
  case digits(limit: Int)
  /// `[一-龥぀-ゟ゠-ヿ]+`
  case deepseekIdeographs
  /// Every scalar that is numeric by itself: the pre-tokenizer `Digits`.
  case eachNumeric

  /// The scanner for an expression, nil for one that only PCRE2 knows.
  init?(_ expression: String) {
    guard let known = Self.known.first(where: { $0.expression.utf8.elementsEqual(expression.utf8) }) else { return nil }
    self = known.scanner
  }

  /// Expressions to the byte, with their scanners.
  static let known: [(expression: String, scanner: TextScanner)] = [
    (PreTokenizer.gpt2Expression, .gpt2),
    (ModelExpressions.llama3, .words(marksAreLetters: false, digits: 3)),
    (ModelExpressions.qwen2, .words(marksAreLetters: false, digits: 1)),
    (ModelExpressions.qwen35, .words(marksAreLetters: true, digits: 1)),
    (#"\p{N}{1,3}"#, .digits(limit: 3)),
    (#"\p{N}"#, .digits(limit: 1)),
    (ModelExpressions.deepseek3[1], .deepseekIdeographs),
    (ModelExpressions.deepseek3[2], .deepseekWords),
  ]

  /// Calls `body` with every piece of `text`, matches and what lies between them alike, in order and without gaps.
  ///
  /// - Parameter text: Valid UTF-8.
  @inline(__always)
  func forEachPiece(of text: UnsafeBufferPointer<UInt8>, _ body: (_ from: Int, _ to: Int) -> Void) {
    guard let base = text.baseAddress else { return }
    let cursor = ScalarCursor(base: base, count: text.count)
    switch self {
    case .gpt2: cursor.forEachPiece(body) { cursor.gpt2($0) }
    case .words(false, let digits):
      cursor.forEachPiece(body) { cursor.words($0, letters: ScalarKinds.letter, digits: digits) }
    case .words(true, let digits):
      cursor.forEachPiece(body) { cursor.words($0, letters: ScalarKinds.letter | ScalarKinds.mark, digits: digits) }
    case .deepseekWords: cursor.forEachPiece(body) { cursor.deepseekWords($0) }
    case .digits(let limit): cursor.forEachPiece(body) { cursor.run(from: $0, of: ScalarKinds.number, limit: limit) }
    case .deepseekIdeographs: cursor.forEachPiece(body) { cursor.ideographs($0) }
    case .eachNumeric: cursor.forEachPiece(body) { cursor.run(from: $0, of: ScalarKinds.numeric, limit: 1) }
    }
  }
}
