import Foundation
import Pipeline
import PreciseJSON

/// What a YAML text is to tools that read plain scalars by YAML 1.2's core schema, as editors do; a reading of its own beside
/// the program's, which goes by the types of fields.
package enum CoreSchema {
  package static func json(_ text: String) throws -> JSON {
    // A param without quotes is no YAML inside of braces, where the program takes it all the same.
    _ = try YAMLText(bytes: Array(text.replacing("${", with: "${ ").utf8), file: "text.yaml")
    return json(try YAMLText(bytes: Array(text.utf8), file: "text.yaml").tree)
  }

  private static func json(_ value: LocatedValue) -> JSON {
    switch value.content {
    case .scalar(let scalar): scalar.isPlain ? plain(scalar.text) : JSON(scalar.text)
    case .list(let items): .array(items.map(json))
    case .map(let pairs): JSON(pairs.map { (key: $0.key.text, value: json($0.value)) })
    }
  }

  private static func plain(_ text: String) -> JSON {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default: break
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
      if let number = Int(text.dropFirst(2), radix: radix) { return JSON(number) }
    }
    let isNumber = text.range(
      of: #"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"#, options: .regularExpression)
    // A number too large for a double is one nevertheless.
    return isNumber == nil ? JSON(text) : .number(JSONNumber(text: text))
  }
}
