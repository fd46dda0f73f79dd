import Foundation
import PreciseJSON

/// The first rows of a data file with their texts made unreadable: letters become `x`, digits `9`, what else there is stays,
/// so that lengths, structure and odd characters can be seen and nothing else.
struct MaskedRows {
  /// Values that say how a row is built rather than what it holds.
  private static let plainKeys: Set<String> = ["role", "from", "type", "label"]

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
    if let key, plainKeys.contains(key) { return value }
    if let text = value.string { return JSON(masked(text)) }
    if let items = value.array { return .array(items.map { masked($0, key: nil) }) }
    if let object = value.object {
      return JSON(object.members.map { (key: $0.key, value: masked($0.value, key: $0.key)) })
    }
    return value
  }

  private static func masked(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .uppercaseLetter, .titlecaseLetter: "X"
          case .lowercaseLetter: "x"
          // Of letters without case one of their own kind, since tokenizers tell them apart.
          case .otherLetter: scalar.value < 0x3000 ? "x" : "字"
          case .decimalNumber: "9"
          default: scalar
          }
        }))
  }
}
