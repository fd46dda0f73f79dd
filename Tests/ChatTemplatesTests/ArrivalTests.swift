import ChatTemplates
import PreciseJSON
import Testing

/// How much of a conversation is in its text, told by where the characters come from.
@Suite struct ArrivalTests {
  private static let tools: JSON = [
    ["type": "function", "function": ["name": "weather", "description": "Degrees in a city"]],
    ["type": "function", "function": ["name": "noop", "description": "Nothing"]],
  ]

  /// A conversation with a text of every kind.
  private static func chat(content: JSON = "It is 11 degrees.") -> [ChatMessage] {
    [
      ChatMessage(role: "system", content: "Be kind"), ChatMessage(role: "user", content: "How warm?"),
      ChatMessage(
        role: "assistant", content: "",
        toolCalls: [["id": "a1", "function": ["name": "weather", "arguments": ["city": "Bergen", "days": 2]]]],
        extra: JSONObject([("reasoning_content", "hm so")])),
      ChatMessage(role: "tool", content: "11"), ChatMessage(role: "assistant", content: content),
    ]
  }

  private func arrivals(_ source: String, _ messages: [ChatMessage] = chat()) throws -> [String] {
    try ChatTemplate(source: source, name: "t").trained(messages, tools: Self.tools).arrivals.map {
      "\($0.message.map { "\($0)" } ?? "-") \($0.kind.rawValue) \($0.arrived)/\($0.characters)"
    }
  }

  private static let head = "{% for m in messages %}<{{ m.role }}>"
  private static let tail = "<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"

  /// What a body of the loop makes of each kind.
  @Test(arguments: [
    // Everything, untouched.
    (
      "{{ m.reasoning_content }}{{ m.content }}{{ m.tool_calls|tojson if m.tool_calls }}",
      "0 system 6/6|1 question 8/8|2 thought 4/4|2 call 21/21|3 tool_result 2/2|4 answer 14/14"
    ),
    // Characters that filters change arrive: case, JSON, HTML, white space, escapes.
    (
      "{{ m.reasoning_content|upper }}{{ m.content|trim|tojson }}{{ m.tool_calls|string if m.tool_calls }}",
      "0 system 6/6|1 question 8/8|2 thought 4/4|2 call 21/21|3 tool_result 2/2|4 answer 14/14"
    ),
    (
      "{{ m.content|replace('degrees', '°')|replace('i', 'I') }}",
      "0 system 6/6|1 question 8/8|2 thought 0/4|2 call 0/21|3 tool_result 2/2|4 answer 8/14"
    ),
    // What is cut out is lost.
    (
      "{{ m.content.split('11')[0] }}{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}",
      "0 system 6/6|1 question 8/8|2 thought 0/4|2 call 7/21|3 tool_result 0/2|4 answer 4/14"
    ),
    ("", "0 system 0/6|1 question 0/8|2 thought 0/4|2 call 0/21|3 tool_result 0/2|4 answer 0/14"),
  ])
  func kindsAreCounted(body: String, expected: String) throws {
    let found = try arrivals(Self.head + body + Self.tail)
    #expect(found.dropLast(2).joined(separator: "|") == expected, "\(body)")
    #expect(found.suffix(2) == ["- tool 0/21", "- tool 0/11"])
  }

  @Test func toolsArriveByNameAndDescription() throws {
    let message = Self.head + "{{ m.content }}" + Self.tail
    #expect(try arrivals("{{ tools|tojson }}" + message).suffix(2) == ["- tool 21/21", "- tool 11/11"])
    let names = "{% for t in tools %}{{ t.function.name }}{% endfor %}"
    #expect(try arrivals(names + message).suffix(2) == ["- tool 7/21", "- tool 4/11"])
  }

  @Test func thoughtsInsideTheAnswerAreTheirOwn() throws {
    let cut = Self.head + "{{ m.content.split('</think>')[-1] }}" + Self.tail
    let whole = Self.head + "{{ m.content }}" + Self.tail
    let again =
      Self.head + "<think>{{ m.content.split('</think>')[0].split('<think>')[-1] }}</think>"
      + "{{ m.content.split('</think>')[-1] }}" + Self.tail
    let chat = Self.chat(content: "<think>\nhm\n</think>\n\nYes")
    #expect(try arrivals(cut, chat).contains("4 thought 0/2"))
    // Tags that the template writes itself are no loss.
    for source in [whole, again] {
      let found = try arrivals(source, chat)
      #expect(found.contains("4 answer 3/3"))
      #expect(found.contains { $0.hasPrefix("4 thought") && !$0.contains("0/") })
    }
  }

  /// Names for one thing: what arrives under any of them has arrived.
  @Test func aThoughtUnderSeveralNamesCountsOnce() throws {
    let message = ChatMessage(
      role: "assistant", content: "Yes",
      extra: JSONObject([("reasoning_content", "hm"), ("thinking", "hm"), ("reasoning", "hm")]))
    let found = try arrivals(
      Self.head + "{{ m.thinking }}{{ m.content }}" + Self.tail, [ChatMessage(role: "user", content: "Q"), message])
    #expect(found.dropLast(2) == ["0 question 1/1", "1 answer 3/3", "1 thought 2/2"])
  }

  @Test func partsCountAsTheirTexts() throws {
    let parts: JSON = [["type": "text", "text": "one "], ["type": "text", "text": "two"]]
    let source =
      Self.head
      + "{% if m.content is string %}{{ m.content }}{% else %}{{ m.content[0].text }}{% endif %}" + Self.tail
    #expect(try arrivals(source, Self.chat(content: parts)).contains("4 answer 3/6"))
  }
}
