import ChatTemplates
import PreciseJSON

extension Record {
  /// The member of a stored record that names its source.
  static let source = "source"

  /// The record as one canonical JSON value: what a record group stores a line of.
  package var json: JSON {
    switch self {
    case .text(let text): return ["text": JSON(text)]
    case .conversation(let conversation): return conversation.json
    case .preference(let pair):
      var object = Self.json(prompt: pair.prompt)
      object["chosen"] = Self.json(pair.chosen)
      object["rejected"] = Self.json(pair.rejected)
      if pair.margin != 0 { object["margin"] = JSON(pair.margin) }
      return .object(object)
    case .judged(let judged):
      var object = Self.json(prompt: judged.prompt)
      object["answer"] = Self.json(judged.answer)
      object["wanted"] = JSON(judged.isWanted)
      return .object(object)
    case .prompt(let prompt, let columns):
      var object = JSONObject()
      object["prompt"] = .object(Self.json(prompt: prompt))
      object["columns"] = columns
      return .object(object)
    }
  }

  /// Reads what ``json`` wrote; nil for anything else.
  package init?(json: JSON) {
    if let text = json["text"]?.string {
      self = .text(text)
      return
    }
    if let prompt = json["prompt"] {
      let columns = json["columns"]
      guard let prompt = Conversation(json: prompt), columns == nil || columns?.object != nil else { return nil }
      self = .prompt(prompt, columns: columns)
      return
    }
    guard let conversation = Conversation(json: json) else { return nil }
    if let answer = json["answer"] {
      guard let answer = Self.messages(answer), let isWanted = json["wanted"]?.bool else { return nil }
      self = .judged(JudgedAnswer(prompt: conversation, answer: answer, isWanted: isWanted))
      return
    }
    guard let chosen = json["chosen"] else {
      self = .conversation(conversation)
      return
    }
    guard let chosen = Self.messages(chosen), let rejected = json["rejected"].flatMap(Self.messages) else { return nil }
    self = .preference(
      Preference(
        prompt: conversation, chosen: chosen, rejected: rejected, margin: json["margin"]?.double ?? 0))
  }

  /// A prompt, of which nothing is learned.
  private static func json(prompt: Conversation) -> JSONObject {
    var object = prompt.json.object ?? JSONObject()
    for key in ["unlearned", "weights", "spans"] { object[key] = nil }
    return object
  }

  /// An answer: the message alone where it is one.
  private static func json(_ answer: [ChatMessage]) -> JSON {
    answer.count == 1 ? answer[0].json : .array(answer.map(\.json))
  }

  private static func messages(_ json: JSON) -> [ChatMessage]? {
    let list = json.array ?? [json]
    let messages = list.compactMap(ChatMessage.init(json:))
    return messages.count == list.count && !messages.isEmpty ? messages : nil
  }
}

extension Conversation {
  var json: JSON {
    var object = JSONObject()
    object["messages"] = .array(messages.map(\.json))
    object["tools"] = tools
    let unlearned = messages.indices.filter { messages[$0].role == "assistant" && !messages[$0].isLearned }
    if !unlearned.isEmpty { object["unlearned"] = .array(unlearned.map { JSON($0) }) }
    let weights = messages.enumerated().filter { $0.element.weight != 1 }
    if !weights.isEmpty { object["weights"] = .array(weights.map { [JSON($0.offset), JSON($0.element.weight)] }) }
    let spans = messages.enumerated().flatMap { index, message in
      message.spans.map { span -> JSON in
        [JSON(index), JSON(span.range.lowerBound), JSON(span.range.upperBound), JSON(span.weight)]
      }
    }
    if !spans.isEmpty { object["spans"] = .array(spans) }
    return .object(object)
  }

  init?(json: JSON) {
    guard let list = json["messages"]?.array else { return nil }
    var messages = list.compactMap(ChatMessage.init(json:))
    guard messages.count == list.count else { return nil }
    for index in (json["unlearned"]?.array ?? []).compactMap(\.int) where messages.indices.contains(index) {
      messages[index].isLearned = false
    }
    for entry in json["weights"]?.array ?? [] {
      guard let pair = entry.array, pair.count == 2, let index = pair[0].int, messages.indices.contains(index),
        let weight = pair[1].double
      else { return nil }
      messages[index].weight = weight
    }
    for entry in json["spans"]?.array ?? [] {
      guard let parts = entry.array, parts.count == 4, let index = parts[0].int, messages.indices.contains(index),
        let start = parts[1].int, let end = parts[2].int, start <= end, let weight = parts[3].double
      else { return nil }
      messages[index].spans.append(WeightedSpan(start..<end, weight: weight))
    }
    self.init(messages: messages, tools: json["tools"])
  }
}
