import PreciseJSON

/// A JSON value inside a tokenizer's file, with the path that leads to it.
struct ComponentReader {
  let value: JSON
  let path: String
  let file: String

  func error(_ problem: TokenizerError.Problem) -> TokenizerError {
    TokenizerError(problem, file: file, path: path.isEmpty ? nil : path)
  }

  private func at(_ key: String, _ value: JSON) -> ComponentReader {
    ComponentReader(value: value, path: path.isEmpty ? key : "\(path).\(key)", file: file)
  }

  /// The member `key`; nil when it is missing or null.
  func member(_ key: String) -> ComponentReader? {
    guard let member = value[key], !member.isNull else { return nil }
    return at(key, member)
  }

  func required(_ key: String, _ expected: String) throws -> ComponentReader {
    guard value.object != nil else { throw error(.wrongType(expected: "an object", found: value.kind)) }
    guard let member = member(key) else { throw at(key, .null).error(.missing(expected: expected)) }
    return member
  }

  func string() throws -> String {
    guard let string = value.string else { throw error(.wrongType(expected: "a string", found: value.kind)) }
    return string
  }

  func bool() throws -> Bool {
    guard let bool = value.bool else { throw error(.wrongType(expected: "a boolean", found: value.kind)) }
    return bool
  }

  func int() throws -> Int {
    guard let int = value.int else { throw error(.wrongType(expected: "a whole number", found: value.kind)) }
    return int
  }

  func list() throws -> [ComponentReader] {
    guard let elements = value.array else { throw error(.wrongType(expected: "a list", found: value.kind)) }
    return elements.enumerated().map { ComponentReader(value: $1, path: "\(path)[\($0)]", file: file) }
  }

  /// The members of an object, null ones included.
  func members() throws -> [(key: String, reader: ComponentReader)] {
    guard let object = value.object else { throw error(.wrongType(expected: "an object", found: value.kind)) }
    return object.members.map { ($0.key, at($0.key, $0.value)) }
  }

  /// A token's id.
  func tokenID() throws -> Int32 {
    if let id = value.int, (0..<Vocabulary.idLimit).contains(id) { return Int32(id) }
    if case .number(let number) = value { throw error(.idOutOfRange(number.text, limit: Vocabulary.idLimit - 1)) }
    throw error(.wrongType(expected: "a token id", found: value.kind))
  }

  func string(_ key: String) throws -> String { try required(key, "a string").string() }
  func list(_ key: String) throws -> [ComponentReader] { try required(key, "a list").list() }
  func bool(_ key: String, default fallback: Bool) throws -> Bool { try member(key)?.bool() ?? fallback }

  /// A string of one scalar.
  func scalar(_ key: String) throws -> Unicode.Scalar {
    let reader = try required(key, "one character")
    let text = try reader.string()
    guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
      throw reader.error(.invalidValue("character `\(text)`", reason: "exactly one is wanted"))
    }
    return scalar
  }

  /// The value of `key` as one of the cases of a string enumeration.
  func choice<T: RawRepresentable & CaseIterable>(_ key: String, kind: String, default fallback: T? = nil) throws -> T
  where T.RawValue == String {
    if let fallback, member(key) == nil { return fallback }
    let reader = try required(key, "a \(kind)")
    let name = try reader.string()
    guard let value = T(rawValue: name) else {
      throw reader.error(.unknownName(kind: kind, name: name, known: T.allCases.map(\.rawValue)))
    }
    return value
  }

  /// The `type` of a component, when it is one of `known`.
  func type(_ kind: String, known: [String]) throws -> String {
    let reader = try required("type", "the name of a \(kind)")
    let name = try reader.string()
    guard known.contains(name) else { throw reader.error(.unknownName(kind: kind, name: name, known: known)) }
    return name
  }
}
