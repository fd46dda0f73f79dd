/// A metadata value of a GGUF file.
package enum GGUFValue: Sendable, Hashable {
  case unsigned(UInt64)
  case signed(Int64)
  case float(Double)
  case bool(Bool)
  case string(String)
  case array([GGUFValue])

  /// What kind of value this is, in the words of error messages.
  package var kind: String {
    switch self {
    case .unsigned, .signed: "a whole number"
    case .float: "a floating-point number"
    case .bool: "a boolean"
    case .string: "a string"
    case .array: "a list"
    }
  }

  package var int: Int? {
    switch self {
    case .unsigned(let value): Int(exactly: value)
    case .signed(let value): Int(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .float(let value): value
    case .unsigned(let value): Double(value)
    case .signed(let value): Double(value)
    default: nil
    }
  }

  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var array: [GGUFValue]? { if case .array(let value) = self { value } else { nil } }
}
