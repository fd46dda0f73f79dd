import CPCRE2

/// A compiled regular expression with the meaning it has in HF `tokenizers` (Oniguruma, Ruby syntax), run by PCRE2.
final class Pattern: @unchecked Sendable {
  /// The expression as it was written.
  let source: String
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
  init(_ source: String) throws {
    self.source = source
    scanner = TextScanner(source)
    let translated = try PatternTranslation.pcre2(source)
    var errorNumber: Int32 = 0
    var errorOffset = 0
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    let bytes = Array(translated.utf8)
    // `^` and `$` know lines in Ruby's syntax.
    let code = pcre2_compile_8(
      bytes, bytes.count, UInt32(PCRE2_UTF) | UInt32(PCRE2_MULTILINE) | UInt32(PCRE2_NO_UTF_CHECK), &errorNumber,
      &errorOffset, context)
    guard let code else {
      var message = [UInt8](repeating: 0, count: 256)
      pcre2_get_error_message_8(errorNumber, &message, message.count)
      let words = String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
      throw Refusal(reason: "\(words) (at byte \(errorOffset) of `\(translated)`)")
    }
    self.code = code
    isCompiledToMachineCode = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) == 0
  }

  deinit { pcre2_code_free_8(code) }

  /// The next match at or after `start`, looking back before it where the expression does so.
  ///
  /// - Parameter text: Valid UTF-8; it is not checked again.
  @inline(__always)
  func match(_ text: UnsafeBufferPointer<UInt8>, from start: Int, _ matcher: PatternMatcher) -> Range<Int>? {
    guard let base = text.baseAddress else { return nil }
    let result =
      isCompiledToMachineCode
      ? pcre2_jit_match_8(code, base, text.count, start, 0, matcher.data, matcher.context)
      : pcre2_match_8(code, base, text.count, start, UInt32(PCRE2_NO_UTF_CHECK), matcher.data, matcher.context)
    guard result >= 0 else { return nil }
    // `\K` aside, which the translation refuses, a match never ends before it starts.
    return matcher.ends[0]..<matcher.ends[1]
  }
}

/// The memory that matching needs, for one thread at a time.
final class PatternMatcher {
  fileprivate let data: OpaquePointer?
  fileprivate let context: OpaquePointer?
  fileprivate let ends: UnsafeMutablePointer<Int>
  private let stack: OpaquePointer?

  init() {
    data = pcre2_match_data_create_8(1, nil)
    context = pcre2_match_context_create_8(nil)
    stack = pcre2_jit_stack_create_8(32 << 10, 64 << 20, nil)
    pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    pcre2_set_match_limit_8(context, .max)
    pcre2_set_depth_limit_8(context, .max)
    ends = pcre2_get_ovector_pointer_8(data)
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
