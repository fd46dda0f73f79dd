import ChatTemplates
import Datasets
import Diagnostics
import PreciseJSON
import TestKit
import Testing
import TokenShards
import Tokenization

/// Pairs of answers become rows of two sequences over one prompt.
@Suite struct PairTests {
  static let tokenizer = Result { try Tokenizer.load(path: fixture("Command/tiny")) }

  private func tokenized(
    _ pairs: [(prompt: String, chosen: String, rejected: String)], maxLength: Int, overlong: Overlong = .truncate
  ) throws -> GroupTokenizer.Result {
    let lines = pairs.map { pair in
      RenderedRecord.pair(
        prompt: [TextPiece(text: pair.prompt, isTrained: false)],
        chosen: [TextPiece(text: pair.chosen, isTrained: true)],
        rejected: [TextPiece(text: pair.rejected, isTrained: true)]
      ).line(RecordHash(line: pair.prompt))
    }
    let worker = GroupTokenizer(
      tokenizer: try Self.tokenizer.get(),
      options: .init(maxLength: maxLength, overlong: overlong, packs: true, split: ValidationSplit(share: 0)))
    return try worker.tokenize(lines: lines, isText: false, firstRow: 7, file: "pairs")
  }

  /// Digits that the tokenizer keeps apart.
  private func text(_ count: Int, _ letter: String = "#") -> String { String(repeating: letter, count: count) }

  @Test func onePromptTwoAnswers() throws {
    let row = try #require(try tokenized([("Q: ", "yes<|im_end|>", "no")], maxLength: 100).train.first)
    #expect(row.sequences.map(\.role) == [.chosen, .rejected])
    let tokenizer = try Self.tokenizer.get()
    let prompt = try tokenizer.encode("Q: ")
    for (sequence, answer) in zip(row.sequences, ["yes<|im_end|>", "no"]) {
      let ids = try tokenizer.encode(answer)
      #expect(sequence.ids == prompt + ids)
      #expect(sequence.lossMask == prompt.map { _ in false } + ids.map { _ in true })
    }
  }

  /// LLaMA-Factory's `infer_seqlen` with the longer answer as the target, at its own reference points ÷ 10.
  @Test(arguments: [
    (300, 200, 150, 100, 60, 40), (200, 300, 10, 100, 40, 60), (100, 10, 7, 100, 90, 10), (10, 100, 100, 100, 10, 90),
    (20, 20, 50, 60, 20, 40), (300, 4, 200, 100, 60, 40),
  ])
  func theLongerAnswerDecidesTheCut(
    prompt: Int, chosen: Int, rejected: Int, limit: Int, keptPrompt: Int, keptAnswer: Int
  ) throws {
    let result = try tokenized([(text(prompt), text(chosen, "="), text(rejected, "|"))], maxLength: limit)
    let row = try #require(result.train.first)
    for (sequence, length) in zip(row.sequences, [chosen, rejected]) {
      #expect(sequence.lossMask.count { !$0 } == keptPrompt)
      #expect(sequence.lossMask.count { $0 } == min(length, keptAnswer))
    }
    #expect(result.report.truncatedRecords == 1)
    let before = 2 * prompt + chosen + rejected
    #expect(result.report.truncatedTokens == before - row.tokenCount)
  }

  @Test func pairsAreNeverPackedTogether() throws {
    let result = try tokenized([("a", "b", "c"), ("d", "e", "f")], maxLength: 100)
    #expect(result.train.map(\.sequences.count) == [2, 2])
  }

  @Test func cuttingThatMakesAnswersEqualIsCounted() throws {
    let result = try tokenized([("a", text(90) + "b", text(90) + "c"), ("a", "b", "c")], maxLength: 50)
    #expect(result.train.count == 1)
    #expect(result.report.pairsWithoutDifference == 1)
    #expect(TokenizeReport(json: result.report.json) == result.report)
  }

  @Test func equalAnswersAndLongPairsAreNamed() throws {
    do {
      _ = try tokenized(
        [("a", "b", "b"), ("a", "b", "c"), ("a", text(200), "c")], maxLength: 50, overlong: .error)
      Issue.record("accepted")
    } catch let errors as DatasetErrors {
      let words = errors.diagnostics.map { "\($0.place?.row ?? 0) \($0.summary)" }
      #expect(
        words == [
          "7 Chosen and rejected answers are the same", "9 The row has 201 tokens, more than `max_length` 50",
        ])
    }
  }
}
