/// A JSON value that keeps what the text said: member order, number text, and every byte of every string.
///
/// Strings compare by bytes here, not by Swift's canonical equivalence: two vocabulary entries that differ only in
/// normalisation stay two.
package enum JSON: Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

/// A number as its text, so that `1e-5`, `1.0` and `12345678901234567890` are written back as they were read.
package struct JSONNumber: Sendable, Hashable {
  package let text: String

  /// - Parameter text: A number by the grammar of RFC 8259.
  package init(text: String) { self.text = text }
  package init(_ value: Int) { text = String(value) }

  /// The shortest text that reads back as the same double.
  ///
  /// Infinities and NaN have no JSON text and become null
  /// through ``JSON/init(_:)``.
  package init(_ value: Double) { text = "\(value)" }

  /// The value when the text is a whole number in range, such as `3` (not `3.0`).
  package var int: Int? { Int(text) }
  package var double: Double { Double(text) ?? .nan }
}

/// The members of an object in the order of the text.
package struct JSONObject: Sendable {
  package var members: [(key: String, value: JSON)]

  package init(_ members: [(key: String, value: JSON)] = []) { self.members = members }

  /// The value of `key`; setting nil removes it, setting a new key appends it.
  ///
  /// Cost: O(members).
  package subscript(key: String) -> JSON? {
    get { members.first { $0.key.hasSameBytes(as: key) }?.value }
    set {
      let index = members.firstIndex { $0.key.hasSameBytes(as: key) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append((key, value))
      case (nil, nil): break
      }
    }
  }

  package var keys: [String] { members.map(\.key) }
  package var isEmpty: Bool { members.isEmpty }
  package var count: Int { members.count }
}

extension String {
  /// Whether both strings are the same bytes; `==` would also accept canonically equivalent ones.
  package func hasSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}

extension JSON {
  package init(_ value: Int) { self = .number(JSONNumber(value)) }
  package init(_ value: Double) { self = value.isFinite ? .number(JSONNumber(value)) : .null }
  package init(_ value: String) { self = .string(value) }
  package init(_ value: Bool) { self = .bool(value) }
  package init(_ members: [(key: String, value: JSON)]) { self = .object(JSONObject(members)) }

  package var isNull: Bool { if case .null = self { true } else { false } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var int: Int? { if case .number(let value) = self { value.int } else { nil } }
  package var double: Double? { if case .number(let value) = self { value.double } else { nil } }
  package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// The member of an object, nil when this is no object or has no such member.
  package subscript(key: String) -> JSON? { object?[key] }

  /// What kind of value this is, in the words of error messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSON: Equatable {
  package static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)):
      a.count == b.count
        && zip(a.members, b.members).allSatisfy { $0.key.hasSameBytes(as: $1.key) && $0.value == $1.value }
    default: false
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = JSON(value) }
  package init(floatLiteral value: Double) { self = JSON(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
  }
}
