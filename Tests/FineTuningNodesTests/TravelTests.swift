import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// What a model was trained with goes with it: the template, its end mark, and the day that the template prints.
struct TravelTests {
  private let workspace: TinyWorkspace

  init() throws {
    workspace = try TinyWorkspace()
    try workspace.folder.write(Self.own, to: "own.jinja")
  }

  /// Ends answers by a token that the tokenizer does not name as an end.
  private static let own =
    "{{ '<|im_start|>' }}On {{ strftime_now('%Y-%m-%d') }}\n{% for m in messages %}[{{ m.role }}] {{ m.content }}"
    + "<|endoftext|>\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"

  private func pipeline(_ apply: String = "", _ more: String) -> String {
    """
    pipeline: travel
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      rows: {type: load_dataset, from: DIR/rows.jsonl}
      chat: {type: apply_template, dataset: rows, tokenizer: tokenizer\(apply)}
      tokens: {type: tokenize, conversations: chat, tokenizer: tokenizer, max_length: 128}
      given: {type: attach_adapter, model: base, from: DIR/adapter}
      tuned: {type: train, stage: sft, model: given, data: tokens.train, max_steps: 1, learning_rate: 0, batch_size: 2}

    """ + more.split(separator: "\n").map { "  \($0)\n" }.joined()
  }

  private static let withOwn = ", template: DIR/own.jinja"

  private func run(_ text: String) throws -> RunSummary {
    let summary = try workspace.run(text)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems).map(\.summary))")
    return summary
  }

  private func made(_ node: String, _ port: String, in summary: RunSummary) throws -> ArtefactView {
    let result = try #require(summary.nodes.first { $0.name == node }?.result)
    return ArtefactView(try #require(result.outputs[port]), in: workspace.store)
  }

  private func text(_ member: String, of view: ArtefactView) throws -> String {
    try String(contentsOfFile: view.path(of: member), encoding: .utf8)
  }

  @Test("an exported model and an exported adapter have the template that was trained, and stop at its end mark")
  func exports() throws {
    let summary = try run(
      pipeline(
        Self.withOwn,
        """
        merged: {type: merge, model: tuned}
        model: {type: export, model: merged, tokenizer: tokenizer}
        adapter: {type: export, model: tuned, tokenizer: tokenizer}
        """))
    for node in ["model", "adapter"] {
      let folder = try made(node, "folder", in: summary)
      #expect(try text("chat_template.jinja", of: folder) == Self.own)
      let config = try JSON(parsing: text("tokenizer_config.json", of: folder), file: node)
      #expect(config["chat_template"]?.string == Self.own)
      #expect(config["eos_token"] == "<|im_end|>")
      let generation = try JSON(parsing: text("generation_config.json", of: folder), file: node)
      let ends = generation["eos_token_id"]?.array?.compactMap(\.int) ?? []
      #expect(ends.count == 2 && Set(ends).count == 2, "\(generation.text())")
    }
  }

  /// A base model whose end of text is one token, and a template that ends turns with another.
  @Test("an exported model stops at the template's end mark where the base knows another one alone")
  func anotherEndOfText() throws {
    for (file, old, new) in [
      ("tokenizer_config.json", #""eos_token": "<|im_end|>""#, #""eos_token": "<|endoftext|>""#),
      ("config.json", #""eos_token_id": 2"#, #""eos_token_id": 0"#),
    ] {
      let text = try String(contentsOfFile: workspace.folder.path("tiny/" + file), encoding: .utf8)
      try #require(text.contains(old))
      try workspace.folder.write(text.replacingOccurrences(of: old, with: new), to: "tiny/" + file)
    }
    try FileManager.default.removeItem(atPath: workspace.folder.path("tiny/generation_config.json"))
    let summary = try run(
      pipeline("", "merged: {type: merge, model: tuned}\nmodel: {type: export, model: merged, tokenizer: tokenizer}"))
    let folder = try made("model", "folder", in: summary)
    let generation = try JSON(parsing: text("generation_config.json", of: folder), file: "")
    #expect(generation["eos_token_id"] == [0, 2], "\(generation.text())")
    let settings = folder.details["sanity"]?["chat_settings"]?["evidence"]
    #expect(settings?["model_stops"] == [0, 2], "\(settings?.text() ?? "none")")
  }

  @Test("a model trained with the tokenizer's own template is exported with the files as they were")
  func ownTemplateStays() throws {
    let summary = try run(pipeline("", "adapter: {type: export, model: tuned, tokenizer: tokenizer}"))
    let folder = try made("adapter", "folder", in: summary)
    for file in ["chat_template.jinja", "tokenizer_config.json"] {
      #expect(try text(file, of: folder) == String(contentsOfFile: fixture("Command/tiny/" + file), encoding: .utf8))
    }
    #expect(!folder.members.contains("generation_config.json"))
  }

  @Test("answers are asked for in the template that was trained, for the same day, and say so")
  func predicts() throws {
    func answers(_ apply: String, _ fields: String) throws -> (text: String, log: String) {
      let text = pipeline(
        apply, "said: {type: predict, model: tuned, tokenizer: tokenizer, prompts: [What?], max_tokens: 12\(fields)}")
      let view = try made("said", "answers", in: run(text))
      let log = (try? String(contentsOfFile: workspace.folder.path("said.log"), encoding: .utf8)) ?? ""
      return (try self.text("answers.jsonl", of: view), log)
    }
    let own = try answers(Self.withOwn, "")
    #expect(own.log.contains("answers in the chat template that the model was trained with"))
    #expect(own.text != (try answers("", "").text))
    #expect(own.text == (try answers(Self.withOwn, ", date: 2024-07-26").text))
    let later = Self.withOwn + ", date: 2031-01-09"
    let trainedLater = try answers(later, "")
    #expect(trainedLater.text == (try answers(Self.withOwn, ", date: 2031-01-09").text))
  }

  @Test("a tokenizer without a template answers for a model that was trained with one, and for no other")
  func withoutATemplate() throws {
    try FileManager.default.removeItem(atPath: workspace.folder.path("tiny/chat_template.jinja"))
    _ = try run(
      pipeline(
        Self.withOwn, "said: {type: predict, model: tuned, tokenizer: tokenizer, prompts: [What?], max_tokens: 2}"))
    #expect(throws: (any Error).self) {
      try workspace.pipeline(
        pipeline(
          Self.withOwn, "said: {type: predict, model: base, tokenizer: tokenizer, prompts: [What?], max_tokens: 2}"))
    }
  }

  @Test("pairs rendered by another template than the model was trained with are an error before the run")
  func pairsOfAnotherTemplate() throws {
    try workspace.folder.write(#"{"prompt":"a","chosen":"b","rejected":"c"}"# + "\n", to: "pairs.jsonl")
    let more = """
      pairs: {type: load_dataset, from: DIR/pairs.jsonl}
      pair_chat: {type: apply_template, dataset: pairs, tokenizer: tokenizer}
      pair_tokens: {type: tokenize, conversations: pair_chat, tokenizer: tokenizer, max_length: 64}
      dpo: {type: train, stage: dpo, model: tuned, data: pair_tokens.train, learning_rate: 0}
      """
    do {
      _ = try workspace.pipeline(pipeline(Self.withOwn, more))
      Issue.record("no error")
    } catch {
      let words = diagnostics(of: error).filter { $0.severity == .error }.map(\.summary)
      #expect(words == ["The pairs were rendered by another chat template than the model was trained with"])
    }
    #expect(throws: Never.self) { try workspace.pipeline(pipeline("", more)) }
  }

  @Test("a day that is none is refused before the run", arguments: ["2024-02-30", "yesterday", "24-1-1", "2024-13-01"])
  func days(_ date: String) {
    do {
      _ = try workspace.pipeline(pipeline(", date: '\(date)'", ""))
      Issue.record("no error")
    } catch { #expect(diagnostics(of: error).map(\.summary).contains("`\(date)` is not a day")) }
  }
}
