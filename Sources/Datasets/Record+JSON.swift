import ChatTemplates
import PreciseJSON

extension Record {
  /// The record as one canonical JSON value: what a record group stores a line of.
  package var json: JSON {
    switch self {
    case .text(let text): return ["text": JSON(text)]
    case .conversation(let conversation): return conversation.json
    case .preference(let pair):
      var object = pair.prompt.json.object ?? JSONObject()
      object["chosen"] = pair.chosen.json
      object["rejected"] = pair.rejected.json
      return .object(object)
    }
  }

  /// Reads what ``json`` wrote; nil for anything else.
  package init?(json: JSON) {
    if let text = json["text"]?.string {
      self = .text(text)
      return
    }
    guard let conversation = Conversation(json: json) else { return nil }
    guard let chosen = json["chosen"] else {
      self = .conversation(conversation)
      return
    }
    guard let chosen = ChatMessage(json: chosen), let rejected = json["rejected"].flatMap(ChatMessage.init(json:))
    else { return nil }
    self = .preference(Preference(prompt: conversation, chosen: chosen, rejected: rejected))
  }
}

extension Conversation {
  var json: JSON {
    var object = JSONObject()
    object["messages"] = .array(messages.map(\.json))
    object["tools"] = tools
    return .object(object)
  }

  init?(json: JSON) {
    guard let list = json["messages"]?.array else { return nil }
    let messages = list.compactMap(ChatMessage.init(json:))
    guard messages.count == list.count else { return nil }
    self.init(messages: messages, tools: json["tools"])
  }
}
