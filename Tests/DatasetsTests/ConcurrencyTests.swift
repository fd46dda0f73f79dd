import ChatTemplates
import Datasets
import Diagnostics
import TestKit
import Testing
import Tokenization

/// The number of threads decides nothing but the time.
@Suite struct ConcurrencyTests {
  @Test(arguments: [1, 2, 3, 8])
  func mapKeepsTheOrder(threads: Int) {
    for count in [0, 1, 15, 16, 17, 1000] {
      let elements = Array(0..<count)
      #expect(concurrentMap(elements, threads: threads) { "\($0)" } == elements.map(String.init))
    }
  }

  private func line(_ number: Int) -> String {
    RenderedRecord.sample([
      TextPiece(text: "Question \(number)", isTrained: false),
      TextPiece(text: String(repeating: "so ", count: number % 40), isTrained: true),
    ]).line(RecordHash(line: "record \(number)"))
  }

  private func tokenized(_ lines: [String], _ overlong: Overlong, threads: Int) throws -> GroupTokenizer.Result {
    let worker = GroupTokenizer(
      tokenizer: try Tokenizer.load(path: fixture("Command/tiny")),
      options: .init(maxLength: 60, overlong: overlong, packs: true, split: ValidationSplit(share: 0.2)))
    return try worker.tokenize(lines: lines, isText: false, firstRow: 1, file: "rows", threads: threads)
  }

  @Test func rowsAreTheSameOnAnyNumberOfThreads() throws {
    let lines = (0..<500).map(line)
    let one = try tokenized(lines, .truncate, threads: 1)
    #expect(one.train.count > 10 && !one.validation.isEmpty && one.report.truncatedRecords > 0)
    for threads in [2, 3, 4] {
      let many = try tokenized(lines, .truncate, threads: threads)
      #expect(many.train == one.train)
      #expect(many.validation == one.validation)
      #expect(many.report == one.report)
    }
  }

  @Test func badRowsAreNamedInOrderOnAnyNumberOfThreads() throws {
    let lines = (0..<500).map(line)
    var words: [[String]] = []
    for threads in [1, 4] {
      do {
        _ = try tokenized(lines, .error, threads: threads)
      } catch let error as any DiagnosticError {
        words.append(error.diagnostics.map { "\($0)" })
      }
    }
    #expect(words.count == 2)
    #expect(words.first == words.last)
  }
}
