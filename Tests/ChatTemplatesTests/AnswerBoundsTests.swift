import ChatTemplates
import Diagnostics
import PreciseJSON
import TestKit
import Testing

/// Where answers start and end by templates that write more, less or other things around them than their generation
/// prompt says.
@Suite struct AnswerBoundsTests {
  private func trained(
    _ source: String, _ messages: [ChatMessage], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [String] {
    let template = try ChatTemplate(source: source, name: "T")
    let pieces = try template.trainedPieces(messages)
    #expect(
      pieces.map(\.text).joined().isSame(as: try template.render(messages).text), sourceLocation: sourceLocation)
    return pieces.filter(\.isTrained).map(\.text)
  }

  private func user(_ text: String) -> ChatMessage { ChatMessage(role: "user", content: text) }

  private func assistant(_ text: String, name: String? = nil) -> ChatMessage {
    ChatMessage(role: "assistant", content: text, extra: JSONObject(name.map { [("name", .string($0))] } ?? []))
  }

  private func call(_ text: String = "") -> ChatMessage {
    ChatMessage(
      role: "assistant", content: text,
      toolCalls: [["id": "c1", "type": "function", "function": ["name": "f", "arguments": ["x": 1]]]])
  }

  private let result = ChatMessage(role: "tool", content: "42")

  /// Command R7B's: the generation prompt stands behind every conversation, with an empty thought in it.
  @Test func aPromptThatIsAlwaysThereIsNoAnswer() throws {
    let source =
      "{% for m in messages %}{% if m.role == 'user' %}<turn><user>{{ m.content }}</turn>{% else %}<turn><bot>"
      + "{% if m.tool_calls %}<think>{{ m.plan }}</think>{{ m.tool_calls[0].function.name }}{% else %}"
      + "<say>{{ m.content }}{% endif %}</turn>{% endif %}{% endfor %}"
    let open = "<turn><bot>{% if true %}<think></think>{% endif %}"
    #expect(
      try trained(source + open, [user("Q"), assistant("A"), user("R"), assistant("B")])
        == ["<say>A</turn>", "<say>B</turn>"])
    #expect(try trained(source + open, [user("Q"), call()]) == ["f</turn>"])
    #expect(
      try trained(source + "<turn><bot>", [user("Q"), assistant("A"), user("R"), assistant("B")])
        == ["<say>A</turn>", "<say>B</turn>"])
    // What every message ends in is an end mark.
    #expect(
      try trained("{% for m in messages %}{{ m.role }}: {{ m.content }}<end>{% endfor %}", [user("Q"), assistant("A")])
        == ["assistant: A<end>"])
  }

  /// Apertus': behind what a tool said the answer goes on without a header.
  @Test func anAnswerThatGoesOnWithoutAPrompt() throws {
    let source =
      "{% for m in messages %}{% if m.role == 'user' %}<user>{{ m.content }}{% elif m.role == 'tool' %}[{{ m.content }}]"
      + "{% else %}{% if messages[loop.index0 - 1].role == 'user' %}<bot>{% endif %}"
      + "{% if m.tool_calls %}<call>{{ m.tool_calls[0].function.name }}</call>{% else %}{{ m.content }}<end>{% endif %}"
      + "{% endif %}{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
    #expect(
      try trained(source, [user("Q"), call(), result, assistant("A"), user("R"), assistant("B")])
        == ["<call>f</call>", "A<end>", "B<end>"])
  }

  /// Two answers that a template writes as one.
  @Test func answersThatAreJoined() throws {
    let source =
      "{% for m in messages %}{% set same = not loop.first and messages[loop.index0 - 1].role == m.role %}"
      + "{% if not same %}<{{ m.role }}>{% endif %}{{ m.content }}"
      + "{% if loop.last or messages[loop.index0 + 1].role != m.role %}<end>{% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}<assistant>{% endif %}"
    #expect(try trained(source, [user("Q"), assistant("A"), assistant("B")]) == ["AB<end>"])
  }

  /// Kimi's: the name in place of the role.
  @Test func aNameInTheHeaderIsNotLearned() throws {
    let source =
      "{% for m in messages %}<|im_{{ m.role }}|>{{ m.name or m.role }}<|im_middle|>{{ m.content }}<|im_end|>{% endfor %}"
      + "{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}"
    #expect(
      try trained(source, [user("Q"), assistant("A", name: "bot"), user("R"), assistant("B", name: "bot")])
        == ["A<|im_end|>", "B<|im_end|>"])
  }

  /// Apriel's: the prompt goes on with words, a call with others; and the id of a call is there once others follow.
  @Test func aPromptThatSaysWordsIsLearnedFromItsHeaderOn() throws {
    let source =
      "{% for m in messages %}{% if m.role == 'assistant' %}{{ '\\n<|assistant|>\\n' }}{{ m.content }}"
      + "{% if m.tool_calls %}{{ '\\n<calls>[{\"name\": \"' + m.tool_calls[0].function.name + '\"' }}"
      + "{% if not loop.last %}{{ ', \"id\": \"' + m.tool_calls[0].id + '\"' }}{% endif %}{{ '}' }}{{ ']</calls>' }}"
      + "{% endif %}{{ '<|end|>' }}{% else %}{{ '<|' + m.role + '|>' + m.content }}{% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}{{ '\\n<|assistant|>\\n' + 'Here is what I think:\\n' }}{% endif %}"
    #expect(
      try trained(source, [user("Q"), call(), result, assistant("A")])
        == ["\n<calls>[{\"name\": \"f\", \"id\": \"c1\"}]</calls><|end|>", "A<|end|>"])
    #expect(try trained(source, [user("Q"), call()]) == ["\n<calls>[{\"name\": \"f\"}]</calls><|end|>"])
  }

  /// Gemma 4's: what tools say is written by the message that calls them, and a call ends in the mark that opens it.
  @Test func whatToolsSayIsNotLearned() throws {
    let source =
      "{% for m in messages %}{% if m.role == 'user' %}<turn>user\n{{ m.content }}<end>{% elif m.role == 'assistant' %}"
      + "{% if messages[loop.index0 - 1].role == 'user' %}{{ '<turn>model\n' }}{% endif %}"
      + "{% if m.tool_calls %}<call>{{ m.tool_calls[0].function.name }}</call>{% if loop.last %}<result>{% else %}"
      + "{{ '<result>' + m.tool_calls[0].function.name + '=' + messages[loop.index0 + 1].content + '</result>' }}{% endif %}{% endif %}{{ m.content }}"
      + "{% if not m.tool_calls %}<end>{% endif %}{% endif %}{% endfor %}"
      + "{% if add_generation_prompt and messages[-1].role == 'user' %}{{ '<turn>model\n' }}{{ '<think></think>' }}{% endif %}"
    #expect(
      try trained(source, [user("Q"), call(), result, assistant("A")]) == ["<call>f</call><result>", "A<end>"])
    let error = #expect(throws: AssistantSpanError.self) {
      try trained(source, [user("Q"), call("I looked."), result, assistant("A")])
    }
    #expect(
      error?.diagnostics.rendered() == """
        error: The chat template `T` writes other messages into the middle of message 2
          why: what it says before them and after them is no one answer, and theirs would be learned with it
          try: write what is said beside calls into a message of its own after the results, or use another template
        """)
  }

  /// A greeting before any question, by a template that wants one.
  @Test func anAnswerThatIsNotRenderedByItself() throws {
    let source =
      "{% if not messages or messages|selectattr('role', 'equalto', 'user')|list|length == 0 %}"
      + "{{ raise_exception('No question') }}{% endif %}{% for m in messages %}{% if m.role == 'user' %}<|user|>"
      + "{{ m.content }}<|end|>{% else %}<|bot|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}<|bot|>{% endif %}"
    #expect(
      try trained(source, [assistant("Hello"), user("Q"), assistant("A")]) == ["Hello<|end|>", "A<|end|>"])
    // Nothing says where the answer starts when the template writes no generation prompt.
    let other = source.replacing("<|bot|>{% endif %}", with: "{% endif %}")
    let error = #expect(throws: AssistantSpanError.self) {
      try trained(other, [assistant("Hello"), user("Q"), assistant("A")])
    }
    #expect(
      error?.diagnostics.first?.reason == "the template does not render the conversation up to it by itself, and the "
        + "whole one has `<|bot|>Hello<|end|><|user|>Q<|end|><|bot|>A<|en` there")
  }
}
