import ChatTemplates
import Diagnostics
import PreciseJSON
import TestKit
import Testing

/// What is trained of a conversation.
@Suite struct TrainedPiecesTests {
  private func trained(_ pieces: [TextPiece]) -> [String] { pieces.filter(\.isTrained).map(\.text) }

  private func chat(_ turns: String...) -> [ChatMessage] {
    turns.enumerated().map { ChatMessage(role: $0.offset % 2 == 0 ? "user" : "assistant", content: $0.element) }
  }

  @Test func smolLM2TrainsWhatLLaMAFactoryLabels() throws {
    let template = try template("smollm2")
    let cases = try #require(try reference("labels.json").array)
    #expect(cases.count >= 60)
    for item in cases {
      let chat = messages(try #require(item["messages"]))
      let pieces = try template.trainedPieces(chat)
      let expected = (item["trained"]?.array ?? []).compactMap(\.string)
      #expect(trained(pieces).map { Array($0.utf8) } == expected.map { Array($0.utf8) })
      #expect(try template.assistantSpans(chat).allSatisfy { $0.method == .prefix })
      let whole = try template.render(chat).text
      #expect(pieces.map(\.text).joined().isSame(as: whole))
      // The untrained text agrees too, but for the system texts, where LLaMA-Factory has its own (with a full stop at
      // the end, and also in place of an empty one).
      let prompts = (item["prompts"]?.array ?? []).compactMap(\.string)
      let untrained = pieces.filter { !$0.isTrained }.map(\.text)
      #expect(untrained.dropFirst().elementsEqual(prompts.dropFirst()) { $0.isSame(as: $1) })
    }
  }

  @Test func everyTemplateTrainsTheAnswersAndTheEndOfTurn() throws {
    let chat = chat("Q one", "A one", "Q two", "A two")
    let expected: [String: [String]] = [
      "chatml": ["A one<|im_end|>\n", "A two<|im_end|>\n"],
      "smollm2": ["A one<|im_end|>\n", "A two<|im_end|>\n"],
      "marked": ["A one<|im_end|>\n", "A two<|im_end|>\n"],
      "zephyr": ["A one</s>\n", "A two</s>\n"],
      "phi3": ["A one<|end|>\n", "A two<|end|>\n</s>"],
      "gemma": ["A one<end_of_turn>\n", "A two<end_of_turn>\n"],
      "llama3": ["A one<|eot_id|>", "A two<|eot_id|>"],
      "mistral": [" A one</s>", " A two</s>"],
      "qwen3": ["A one<|im_end|>\n", "<think>\n\n</think>\n\nA two<|im_end|>\n"],
      "deepseek_r1": ["A one<｜end▁of▁sentence｜>", "A two<｜end▁of▁sentence｜>"],
    ]
    for (name, texts) in expected {
      let pieces = try template(name).trainedPieces(
        chat, specialTokens: ["bos_token": "<s>", "eos_token": "</s>"], clock: frozen)
      #expect(trained(pieces) == texts, "\(name)")
      for (a, b) in zip(pieces, pieces.dropFirst()) { #expect(a.isTrained != b.isTrained) }
    }
  }

  @Test func thoughtsOfEarlierTurnsAreTrainedAsFarAsTheyAreVisible() throws {
    let template = try template("qwen3")
    let thinking = chat("Q", "<think>\nhm\n</think>\n\nA", "R", "<think>\nso\n</think>\n\nB")
    #expect(
      try trained(template.trainedPieces(thinking)) == ["A<|im_end|>\n", "<think>\nso\n</think>\n\nB<|im_end|>\n"])
    #expect(try template.assistantSpans(thinking).map(\.method) == [.provenance, .prefix])
    // Without thinking the generation prompt supplies the empty thought, so it is not trained.
    let off = JSONObject([("enable_thinking", false)])
    let plain = chat("Q", "A", "R", "B")
    #expect(try trained(template.trainedPieces(plain, variables: off)) == ["A<|im_end|>\n", "B<|im_end|>\n"])
  }

  @Test func emptyAnswersAndLeadingAnswersHaveTheirEndOfTurn() throws {
    let smolLM2 = try template("smollm2")
    #expect(try trained(smolLM2.trainedPieces(chat("Q", ""))) == ["<|im_end|>\n"])
    let leading = [ChatMessage(role: "assistant", content: "Hello"), ChatMessage(role: "user", content: "Q")]
    #expect(try trained(smolLM2.trainedPieces(leading)) == ["Hello<|im_end|>\n"])
    let qwen = try template("qwen3")
    let history = chat("Q", "", "R", "")
    #expect(try trained(qwen.trainedPieces(history)).first == "<|im_end|>\n")
  }

  @Test func answersThatLookLikeTheTemplateKeepTheirBounds() throws {
    let fake = "<|im_end|>\n<|im_start|>assistant\nfake"
    for name in ["smollm2", "qwen3"] {
      let pieces = try template(name).trainedPieces(chat(fake, fake, fake, "end"))
      #expect(trained(pieces).first == fake + "<|im_end|>\n", "\(name)")
      #expect(pieces.count == 4, "\(name)")
    }
  }

  @Test func toolCallsAreTrainedAndToolResultsAreNot() throws {
    let call: JSON = [["type": "function", "function": ["name": "f", "arguments": ["x": 1]]]]
    let chat = [
      ChatMessage(role: "user", content: "Q"), ChatMessage(role: "assistant", content: "", toolCalls: call),
      ChatMessage(role: "tool", content: "42"), ChatMessage(role: "assistant", content: "It is 42"),
    ]
    let expected = [
      "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call><|im_end|>\n",
      "<think>\n\n</think>\n\nIt is 42<|im_end|>\n",
    ]
    #expect(try trained(template("qwen3").trainedPieces(chat)) == expected)
  }

  @Test func aTemplateThatDropsTheAnswerIsRefused() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", name: "users")
    let error = #expect(throws: AssistantSpanError.self) { try template.trainedPieces(chat("Q", "A")) }
    #expect(error?.problem == .missing)
    #expect(
      error?.diagnostics.first?.summary == "The chat template `users` does not render message 2")
  }

  @Test func aTemplateWithTextAtTheEndTrainsTheTurnsOnly() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% else %}<eos>{% endif %}", name: "eos")
    #expect(try trained(template.trainedPieces(chat("Q", "A", "R", "B"))) == ["A<end>", "B<end><eos>"])
  }

  /// A generation prompt that opens a thought, and answers that are rendered with other tags.
  @Test(arguments: [
    ("<|im_start|>R\n", "</think>\n", "<think>\n"), ("<|R|>", "</think>", "<think>"),
    ("<|R|>", "</think>", "<think></think>"), ("<|im_start|>R\n<think>", "</think>", "\n"),
    ("<|R|>", "<|RESPONSE|>", "<|THINKING|><|END_THINKING|>"), ("[R]", "[ANSWER]", "[THINK]"),
  ])
  func aPromptThatOpensAThoughtIsLearnedFromWhereTheAnswerDiffers(
    header: String, answer: String, opening: String
  ) throws {
    func quoted(_ text: String) -> String { "'" + text.replacing("\n", with: "\\n") + "'" }
    let assistant = quoted(header.replacing("R", with: "assistant", maxReplacements: 1))
    let source =
      "{% for m in messages %}{% if m.role == 'assistant' %}{{ \(assistant) + \(quoted(answer)) }}"
      + "{% else %}<|user|>{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
      + "{% if add_generation_prompt %}{{ \(assistant) + \(quoted(opening)) }}{% endif %}"
    let template = try ChatTemplate(source: source, name: "opens")
    let pieces = try template.trainedPieces(chat("Q", "A", "R", "B"))
    #expect(trained(pieces) == [answer + "A<|im_end|>", answer + "B<|im_end|>"])
    #expect(pieces.map(\.text).joined().isSame(as: try template.render(chat("Q", "A", "R", "B")).text))
  }

  @Test func aPromptThatSaysOtherWordsIsRefused() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        + "{% if add_generation_prompt %}Now answer: {% endif %}", name: "other")
    let error = #expect(throws: AssistantSpanError.self) { try template.trainedPieces(chat("Q", "A")) }
    #expect(error?.diagnostics.first?.code == "template-unclear-answer")
  }

  /// A system text that stands before the last question, wherever that is.
  @Test func aSystemTextThatMovesLeavesTheAnswersWhereTheyAre() throws {
    let template = try ChatTemplate(
      source: "{% set s = messages[0].content %}{% for m in messages[1:] %}{% if m.role == 'user' %}[INST] "
        + "{% if loop.index0 >= (messages|length - 3) %}{{ s }}\n\n{% endif %}{{ m.content }}[/INST]"
        + "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}", name: "moves")
    let messages = [ChatMessage(role: "system", content: "S")] + chat("Q", "A", "R", "B")
    #expect(try trained(template.trainedPieces(messages)) == [" A</s>", " B</s>"])
    #expect(try template.render(messages).text == "[INST] Q[/INST] A</s>[INST] S\n\nR[/INST] B</s>")
  }

  /// One that is written before the question that ends the conversation is gone once it is answered.
  @Test func aSystemTextThatVanishesIsTheCause() throws {
    let template = try ChatTemplate(
      source: "{% set s = messages[0].content %}{% for m in messages[1:] %}{% if m.role == 'user' %}[INST] "
        + "{% if loop.last %}{{ s }}\n\n{% endif %}{{ m.content }}[/INST]{% else %} {{ m.content }}</s>{% endif %}"
        + "{% endfor %}", name: "moves")
    let messages = [ChatMessage(role: "system", content: "S")] + chat("Q", "A")
    let error = #expect(throws: AssistantSpanError.self) { try template.trainedPieces(messages) }
    #expect(error?.problem == .systemMoves)
    #expect(
      error?.diagnostics.rendered() == """
        error: The chat template `moves` moves the system text once more messages follow
          why: the model would answer message 3 with it, and learn that answer without it
          try: use a template that keeps the system text in its place, or write it into the first question
        """)
  }

  @Test func conversationsOfAThousandWordsTakeMilliseconds() throws {
    let template = try template("smollm2")
    let text = String(repeating: "some words to render ", count: 50)
    let chat = chat(text, text, text, text)
    let time = try ContinuousClock().measure { for _ in 0..<100 { _ = try template.trainedPieces(chat) } }
    print("trainedPieces of 4 kB in 4 messages: \(time / 100)")
    #expect(time < .seconds(5))
  }
}
