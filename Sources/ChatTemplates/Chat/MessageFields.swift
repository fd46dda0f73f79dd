import PreciseJSON

/// The messages of a conversation as template values, and the table of their string fields.
struct MessageFields {
  private(set) var values: [Value] = []
  /// The message and the path behind each `.field` source.
  private(set) var table: [(message: Int, path: String)] = []

  init(_ messages: [ChatMessage]) {
    for (index, message) in messages.enumerated() {
      values.append(value(of: message.seen, message: index, path: ""))
    }
  }

  private mutating func value(of json: JSON, message: Int, path: String) -> Value {
    switch json {
    case .string(let string):
      table.append((message, path))
      return .string(Text(string, from: .field(table.count - 1)))
    case .array(let elements):
      var values: [Value] = []
      for (index, element) in elements.enumerated() {
        values.append(value(of: element, message: message, path: "\(path)[\(index)]"))
      }
      return .list(values)
    case .object(let object):
      var dictionary = ValueDictionary()
      for (key, member) in object.members {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        dictionary.set(name: key, value(of: member, message: message, path: inner))
      }
      return .dictionary(dictionary)
    default: return Value(json)
    }
  }
}

extension Value {
  /// A JSON value as Python's `json.loads` would give it.
  init(_ json: JSON) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .string(let string): self = .text(string)
    case .array(let elements): self = .list(elements.map { Value($0) })
    case .object(let object):
      var dictionary = ValueDictionary()
      for (key, member) in object.members { dictionary.set(name: key, Value(member)) }
      self = .dictionary(dictionary)
    case .number(let number):
      if let value = number.int {
        self = .int(value)
      } else if number.text.utf8.contains(where: { [0x2E, 0x65, 0x45].contains($0) }) {
        self = .float(number.double)
      } else {
        self = .wideInt(number.text)
      }
    }
  }
}
