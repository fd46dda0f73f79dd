import PreciseJSON

/// The messages and tools of a conversation as template values, and the table of their string fields.
struct ConversationFields {
  /// A string of the conversation.
  struct Field {
    /// The index of the message; nil for one of a tool.
    var message: Int?
    /// The path inside the message, or the index of the tool and the last key inside it (`[2].name`).
    var path: String
    var text: Text
  }

  private(set) var messages: [Value] = []
  private(set) var tools: Value = .none
  /// The field behind each `.field` source.
  private(set) var table: [Field] = []
  /// The role of each message.
  let roles: [String]

  init(_ messages: [ChatMessage], tools: JSON? = nil) {
    roles = messages.map(\.role)
    for (index, message) in messages.enumerated() {
      self.messages.append(value(of: message.seen, message: index, path: ""))
    }
    if let list = tools?.array {
      var values: [Value] = []
      for (index, element) in list.enumerated() { values.append(tool(element, path: "[\(index)]", key: "")) }
      self.tools = .list(values)
    } else if let tools {
      self.tools = Value(tools)
    }
  }

  /// The same without the name of a message; nil when it has none.
  func withoutName(of message: Int) -> ConversationFields? {
    guard case .dictionary(let members) = messages[message], members.value(named: "name") != nil else { return nil }
    var nameless = ValueDictionary()
    for (key, value) in members.entries {
      if case .string(let name) = key, name.string != "name" { nameless.set(name: name, value) }
    }
    var copy = self
    copy.messages[message] = .dictionary(nameless)
    return copy
  }

  private mutating func source(_ string: String, _ message: Int?, _ path: String) -> Text {
    let text = Text(string, from: .field(table.count))
    table.append(Field(message: message, path: path, text: text))
    return text
  }

  private mutating func value(of json: JSON, message: Int, path: String) -> Value {
    switch json {
    case .string(let string): return .string(source(string, message, path))
    case .array(let elements):
      var values: [Value] = []
      for (index, element) in elements.enumerated() {
        values.append(value(of: element, message: message, path: "\(path)[\(index)]"))
      }
      return .list(values)
    case .object(let object):
      // The names of a call's arguments are something that the model says; other names are structure.
      let isSaid = path.hasPrefix("tool_calls") && path.contains(".arguments")
      var dictionary = ValueDictionary()
      for (key, member) in object.members {
        let inner = path.isEmpty ? key : "\(path).\(key)"
        let name = isSaid ? source(key, message, inner) : Text(key)
        dictionary.set(name: name, value(of: member, message: message, path: inner))
      }
      return .dictionary(dictionary)
    default: return Value(json)
    }
  }

  private mutating func tool(_ json: JSON, path: String, key: String) -> Value {
    switch json {
    case .string(let string): return .string(source(string, nil, path + "." + key))
    case .array(let elements):
      var values: [Value] = []
      for element in elements { values.append(tool(element, path: path, key: key)) }
      return .list(values)
    case .object(let object):
      var dictionary = ValueDictionary()
      for (key, member) in object.members { dictionary.set(name: Text(key), tool(member, path: path, key: key)) }
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
      for (key, member) in object.members { dictionary.set(name: Text(key), Value(member)) }
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
