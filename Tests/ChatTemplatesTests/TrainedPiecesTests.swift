import ChatTemplates
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
}
