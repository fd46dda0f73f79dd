import Foundation
import PreciseJSON

/// The first rows of a data file made unreadable: letters become `x`, digits `9`, so that lengths, structure and odd signs can
/// be seen and nothing else.
struct MaskedRows {
  /// Keys whose values say how a row is built, as far as these are such words.
  private static let plainKeys: Set<String> = ["role", "from", "type", "label"]
  private static let plainWords: Set<String> = [
    "system", "developer", "user", "human", "prompter", "assistant", "gpt", "model", "bot", "tool", "function",
    "observation", "function_call", "tool_call", "tool_calls", "tool_response", "function_response", "ipython", "text",
    "image", "image_url", "audio", "video", "file", "reasoning", "thinking", "chosen", "rejected", "true", "false",
    "object", "array", "string", "number", "integer", "boolean", "null",
  ]

  let text: String

  /// - Parameter rows: How many lines are kept.
  init(_ bytes: [UInt8], rows: Int = 20) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    text =
      lines.prefix(rows).map { line in
        guard let row = try? JSON(parsing: String(line)) else { return Self.masked(String(line)) }
        return Self.masked(row, key: nil).text()
      }.joined(separator: "\n") + "\n"
  }

  private static func masked(_ value: JSON, key: String?) -> JSON {
    switch value {
    case .string(let text):
      return key.map(plainKeys.contains) == true && plainWords.contains(text) ? value : JSON(masked(text))
    case .number(let number): return .number(JSONNumber(text: masked(number: number.text)))
    case .array(let items): return .array(items.map { masked($0, key: key) })
    case .object(let object):
      var taken: Set<String> = []
      return JSON(
        object.members.map { member in
          var name = isOfLayout(member.key) ? member.key : masked(member.key)
          // Two keys that look the same now are still two.
          while !taken.insert(name).inserted { name += "~" }
          return (key: name, value: masked(member.value, key: member.key))
        })
    case .bool, .null: return value
    }
  }

  /// Whether a key is one that programs give rows, such as `tool_calls`, and nothing out of them.
  private static func isOfLayout(_ key: String) -> Bool {
    guard (1...32).contains(key.utf8.count), let first = key.utf8.first, !(0x30...0x39).contains(first) else {
      return false
    }
    return key.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
  }

  /// A number of the same shape: `-12.5e3` is `-99.9e9`.
  private static func masked(number: String) -> String {
    String(number.map { $0.isNumber ? "9" : $0 })
  }

  private static func masked(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { masked($0) }))
  }

  private static func masked(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .titlecaseLetter: return "X"
    case .lowercaseLetter, .modifierLetter: return "x"
    // Of letters without case one of their own kind, since tokenizers tell them apart.
    case .otherLetter: return scalar.value < 0x3000 ? "x" : "字"
    // As many as there were, and not which.
    case .nonspacingMark, .spacingMark, .enclosingMark: return "\u{301}"
    case .decimalNumber, .letterNumber, .otherNumber: return "9"
    case .privateUse, .unassigned: return "\u{FFFD}"
    default: break
    }
    // Letters in circles, patterns of Braille, and tags that nobody sees spell words too.
    if properties.isAlphabetic || (0x2800...0x28FF).contains(scalar.value) || (0x1F1E6...0x1F1FF).contains(scalar.value)
    {
      return "x"
    }
    return properties.numericType != nil ? "9" : (0xE0000...0xE007F).contains(scalar.value) ? "\u{FFFD}" : scalar
  }
}
