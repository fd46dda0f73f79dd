import Foundation
import PreciseJSON
import TestKit
import Testing
import Tokenization

/// `anneal chat` with a model, an adapter, and what a run made.
@Suite(.serialized) struct ChatTests {
  /// The answers that `scripts/reference/tiny_project.py` got from transformers.
  private func reference() throws -> [(prompt: String, answer: String)] {
    let tokenizer = try Tokenizer.load(path: fixture("Command/tiny"))
    return try (readJSON(fixture("Command/greedy.json")).array ?? []).map { item in
      let ids = (item["ids"]?.array ?? []).compactMap(\.int).map { Int32($0) }
      let text = try tokenizer.decode(ids[...], skipsSpecialTokens: true)
      return (try #require(item["prompt"]?.string), text)
    }
  }

  @Test func greedyAnswersEqualTransformers() throws {
    let project = try Project(rows: 1)
    let cases = try reference()
    #expect(cases.count == 2)
    for (prompt, answer) in cases {
      let outcome = try project.anneal("chat", "tiny", "--prompt", prompt, "--max-tokens", "24")
      #expect(outcome.code == 0, "\(outcome.messages)")
      #expect(outcome.output == answer + "\n")
      #expect(outcome.messages.contains("24 tokens, ") && outcome.messages.contains("tokens/s"))
    }
  }

  @Test func linesAreTurnsOfOneConversation() throws {
    let project = try Project(rows: 1)
    let first = try #require(try reference().first)
    let outcome = try project.anneal(
      "chat", "tiny", "--max-tokens", "24", input: "\(first.prompt)\n\n\(first.prompt)\n")
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.output.hasPrefix(first.answer + "\n"))
    #expect(outcome.messages.split(separator: "\n").count == 2, "two turns:\n\(outcome.messages)")
    #expect(outcome.output != first.answer + "\n" + first.answer + "\n", "the second turn has read the first")
  }

  @Test func samplingFollowsTheSeed() throws {
    let project = try Project(rows: 1)
    func answer(_ seed: String) throws -> String {
      try project.anneal(
        "chat", "tiny", "--prompt", "Hi", "--temperature", "1", "--top-p", "0.9", "--seed", seed, "--max-tokens", "16"
      ).output
    }
    #expect(try answer("1") == answer("1"))
    #expect(try answer("1") != answer("2"))
  }

  @Test func nodesOfRunsAndAdapters() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 3")
    try project.edit(
      "outputs: [quality, release]",
      "  peft: {type: export, model: sft, tokenizer: tokenizer}\noutputs: [quality, release, peft]")
    let run = try project.anneal("run", "pipeline.yaml")
    #expect(run.code == 0, "\(run.messages)")
    func answer(_ arguments: String...) throws -> Project.Outcome {
      try project.start(["chat"] + arguments + ["--prompt", "Hi", "--max-tokens", "12"]).1()
    }
    let base = try answer("tiny")
    #expect(try answer("last:model").output == base.output)
    let tuned = try answer("last:sft")
    #expect(tuned.code == 0, "\(tuned.messages)")
    let adapter = try answer("results/tiny/peft", "--base", "tiny")
    #expect(adapter.code == 0, "\(adapter.messages)")
    #expect(adapter.output == tuned.output)
  }

  @Test(arguments: [
    (["nothing"], "There is nothing at `nothing`"), (["last:sft"], "There is no run `last`"),
    (["tiny", "--base", "tiny"], "`--base tiny` has no effect"),
    (["tiny", "--temperature=-1"], "`--temperature` must be at least 0"),
  ])
  func mistakes(arguments: [String], words: String) throws {
    let project = try Project(rows: 1)
    let outcome = try project.start(["chat"] + arguments + ["--prompt", "Hi"]).1()
    #expect(outcome.code == 2, "\(outcome.code)")
    #expect(outcome.messages.contains(words), "\(outcome.messages)")
  }

  @Test func aNodeWithoutAModel() throws {
    let project = try Project(rows: 12)
    try project.edit("epochs: 3", "max_steps: 1")
    try project.anneal("run", "pipeline.yaml")
    let outcome = try project.anneal("chat", "last:sftt", "--prompt", "Hi")
    #expect(outcome.code == 2)
    for word in ["`sftt`", "made no model", "try: `sft`"] {
      #expect(outcome.messages.contains(word), "\(outcome.messages)")
    }
  }
}
