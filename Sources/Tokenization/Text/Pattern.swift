import CPCRE2
import Glibc

/// A compiled regular expression with the meaning it has in HF `tokenizers` (Oniguruma, Ruby syntax), run by PCRE2.
final class Pattern: @unchecked Sendable {
  /// The expression as it was written.
  let source: String
  /// Where it was written, nil for one of this program's own.
  let place: (file: String, path: String)?
  /// Finds the same pieces faster, for the expressions of most models.
  let scanner: TextScanner?
  // Compiled code is read-only after compilation, so threads can share it; match data is not (`PatternMatcher`).
  private let code: OpaquePointer
  private let isCompiledToMachineCode: Bool

  /// Why an expression was refused.
  struct Refusal: Error {
    let reason: String
  }

  /// Translates and compiles the expression.
  ///
  /// - Throws: ``Refusal`` when it is malformed or uses what the translation cannot express.
  convenience init(_ source: String, at place: (file: String, path: String)? = nil) throws {
    // `^` and `$` know lines in Ruby's syntax.
    try self.init(
      source, compiling: try PatternTranslation.pcre2(source), UInt32(PCRE2_MULTILINE), TextScanner(source), at: place)
  }

  /// Compiles an expression that is written as PCRE2 reads it.
  ///
  /// - Parameter options: `PCRE2_DOTALL` and others.
  convenience init(pcre2 source: String, options: UInt32) throws {
    try self.init(source, compiling: source, options, nil, at: nil)
  }

  private init(
    _ source: String, compiling text: String, _ options: UInt32, _ scanner: TextScanner?,
    at place: (file: String, path: String)?
  ) throws {
    self.source = source
    self.place = place
    self.scanner = scanner
    var errorNumber: Int32 = 0
    var errorOffset = 0
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    let bytes = Array(text.utf8)
    let code = pcre2_compile_8(
      bytes, bytes.count,
      UInt32(PCRE2_UTF) | UInt32(PCRE2_NO_UTF_CHECK) | UInt32(PCRE2_USE_OFFSET_LIMIT) | options,
      &errorNumber, &errorOffset, context)
    guard let code else {
      var message = [UInt8](repeating: 0, count: 256)
      pcre2_get_error_message_8(errorNumber, &message, message.count)
      let words = String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
      throw Refusal(reason: "\(words) (at byte \(errorOffset) of `\(text)`)")
    }
    self.code = code
    isCompiledToMachineCode = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0
  }

  deinit { pcre2_code_free_8(code) }

  /// The next match at or after `start`, looking back before it where the expression does so.
  ///
  /// Nil also when PCRE2 gives up; `matcher` then knows why, and whoever asked for matches asks it in the end.
  ///
  /// - Parameter text: Valid UTF-8; it is not checked again.
  @inline(__always)
  func match(_ text: UnsafeBufferPointer<UInt8>, from start: Int, _ matcher: PatternMatcher) -> Range<Int>? {
    guard let base = text.baseAddress else { return nil }
    let result = run(base, text.count, from: start, upTo: min(start + Self.window, text.count), matcher)
    // `\K` aside, which the translation refuses, a match never ends before it starts.
    if result >= 0 { return matcher.ends[0]..<matcher.ends[1] }
    return matchFurther(text, base, from: start, result, matcher)
  }

  /// How many bytes a match is looked for in at once; between such stretches the clock is read.
  private static let window = 1024

  @inline(__always)
  private func run(
    _ base: UnsafePointer<UInt8>, _ count: Int, from start: Int, upTo limit: Int, _ matcher: PatternMatcher
  ) -> Int32 {
    pcre2_set_offset_limit_8(matcher.context, limit)
    return isCompiledToMachineCode
      ? pcre2_jit_match_8(code, base, count, start, 0, matcher.data, matcher.context)
      : pcre2_match_8(code, base, count, start, UInt32(PCRE2_NO_UTF_CHECK), matcher.data, matcher.context)
  }

  /// Goes on where the first stretch had no match.
  @inline(never)
  private func matchFurther(
    _ text: UnsafeBufferPointer<UInt8>, _ base: UnsafePointer<UInt8>, from first: Int, _ firstResult: Int32,
    _ matcher: PatternMatcher
  ) -> Range<Int>? {
    var (start, result) = (first, firstResult)
    while result == PCRE2_ERROR_NOMATCH {
      // Every start up to the limit has been tried.
      let limit = min(start + Self.window, text.count)
      guard limit < text.count else { return nil }
      if matcher.isOutOfTime() {
        matcher.giveUp(self, .seconds(PatternMatcher.secondsLimit), at: limit, of: text.count)
        return nil
      }
      start = UTF8Text.start(before: limit + 1, in: text)
      result = run(base, text.count, from: start, upTo: min(start + Self.window, text.count), matcher)
    }
    if result >= 0 { return matcher.ends[0]..<matcher.ends[1] }
    matcher.giveUp(self, TokenizerError.MatchingLimit(result), at: start, of: text.count)
    return nil
  }

  /// That a pattern was given up on a text, which is not the same as no match.
  struct GivenUp: Sendable {
    let pattern: Pattern
    let limit: TokenizerError.MatchingLimit
    /// Where in the text the search stood, and how long the text is, in bytes.
    let offset: Int
    let count: Int
  }
}

/// The memory that matching needs, for one thread at a time.
final class PatternMatcher {
  fileprivate let data: OpaquePointer?
  fileprivate let context: OpaquePointer?
  fileprivate let ends: UnsafeMutablePointer<Int>
  private let stack: OpaquePointer?
  private var givenUp: Pattern.GivenUp?
  /// When the text that is matched now was first found to take long, in seconds of the monotonic clock.
  private var begin: Int?

  /// Steps that matching at one place may take: about a tenth of a second.
  static let stepLimit: UInt32 = 10_000_000
  /// Bytes that matching at one place may take.
  static let memoryLimit = 64 << 20
  /// Seconds that the patterns may look for matches in one text.
  static let secondsLimit = 60

  init() {
    data = pcre2_match_data_create_8(1, nil)
    context = pcre2_match_context_create_8(nil)
    stack = pcre2_jit_stack_create_8(32 << 10, Self.memoryLimit, nil)
    pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    pcre2_set_match_limit_8(context, Self.stepLimit)
    pcre2_set_depth_limit_8(context, Self.stepLimit)
    pcre2_set_heap_limit_8(context, UInt32(Self.memoryLimit >> 10))
    ends = pcre2_get_ovector_pointer_8(data)
  }

  /// Whether a pattern was given up on the text.
  var hasGivenUp: Bool { givenUp != nil }

  fileprivate func giveUp(_ pattern: Pattern, _ limit: TokenizerError.MatchingLimit, at offset: Int, of count: Int) {
    if givenUp == nil { givenUp = Pattern.GivenUp(pattern: pattern, limit: limit, offset: offset, count: count) }
  }

  fileprivate func isOutOfTime() -> Bool {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
    guard let begin else {
      begin = now.tv_sec
      return false
    }
    return now.tv_sec - begin > Self.secondsLimit
  }

  /// Ends the work on a text.
  ///
  /// - Throws: ``TokenizerError`` when a pattern was given up on it.
  func throwIfGivenUp(_ source: TokenizerSource) throws { try throwIfGivenUp(file: source.path) }

  /// - Parameter file: Where patterns come from that no file has.
  /// - Throws: ``TokenizerError`` when a pattern was given up on the text.
  func throwIfGivenUp(file: String) throws {
    begin = nil
    guard let found = givenUp else { return }
    givenUp = nil
    throw TokenizerError(
      .patternGivenUp(found.pattern.source, found.limit, offset: found.offset, count: found.count),
      file: found.pattern.place?.file ?? file, path: found.pattern.place?.path)
  }

  deinit {
    pcre2_match_data_free_8(data)
    pcre2_match_context_free_8(context)
    pcre2_jit_stack_free_8(stack)
  }
}

/// The version of PCRE2 that is loaded.
package var pcre2Version: String {
  // `10.42 2022-12-11` and a zero; the library asks for 24 bytes at most.
  var text = [UInt8](repeating: 0, count: 64)
  pcre2_config_8(UInt32(PCRE2_CONFIG_VERSION), &text)
  return String(decoding: text.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }, as: UTF8.self)
}

extension TokenizerError.MatchingLimit {
  /// The limit that an error of PCRE2 speaks of.
  fileprivate init(_ result: Int32) {
    switch result {
    case PCRE2_ERROR_MATCHLIMIT, PCRE2_ERROR_DEPTHLIMIT: self = .steps(Int(PatternMatcher.stepLimit))
    case PCRE2_ERROR_HEAPLIMIT, PCRE2_ERROR_JIT_STACKLIMIT, PCRE2_ERROR_NOMEMORY:
      self = .bytes(PatternMatcher.memoryLimit)
    default: self = .other(result)
    }
  }
}
