import Diagnostics
import Tokenization

/// What is wrong with a dataset, with the evidence; worded in `DatasetError+Wording.swift`.
package struct DatasetError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    /// The file is something that no rows are read from.
    case foreignFile(ForeignFile)
    case empty
    /// Something else stands where a list goes on or ends; the byte there, nil at the file's end.
    case brokenList(expected: String, found: UInt8?)
    case notAnObject(found: String)
    case invalidUTF8
    /// No rule of detection holds for the first row; its columns are the evidence.
    case unknownFormat(columns: [String])
    /// Both columns of a pair are there, and one is null in the row that tells the format.
    case nullAnswer(String)
    /// A row's columns are those of another format than the first row's.
    case missingColumn(String, format: String, columns: [String], nearest: String?)
    case wrongColumnType(String, expected: String, found: String)
    case emptyColumn(String)
    case unknownRole(String, field: String, known: [String], nearest: String?)
    case rolesOutOfOrder(field: String, found: String, expected: String)
    case noAnswer(field: String)
    case invalidToolCall(field: String, reason: String)
    case unsupportedPart(field: String, type: String)
    case equalAnswers
    case columnWithoutUse(String, format: String)
    /// A mapped column that stands in no row.
    case mappedColumnNowhere(String, as: String, nearest: String?)
    case ignoredAndMapped(String)
    /// Columns to travel with prompts where rows are none.
    case keptWithoutUse(kind: String)
    case ignoredAndKept(String)
    /// A column to travel with prompts that no row has.
    case keptColumnNowhere(String, nearest: String?)
    /// Two columns of one meaning that say different things.
    case ambiguousColumn(String, names: [String])
    /// A column with a meaning that the format does not read.
    case unreadColumn(String, format: String, rows: Int, reason: String?)
    case undesiredAnswers(column: String, rows: Int)
    case twoSystemTexts(column: String)
    /// A weight of a message that is neither 0 nor 1.
    case noWeight(String, field: String)
    /// A stretch of a message that is not in its content.
    case spanOutside(start: Int, end: Int, characters: Int, field: String)
    /// An answer that is compared or judged has weights.
    case weightedAnswer(field: String, isOfPair: Bool)
    case marksDisagree(String, String, field: String)
    /// Two members that hold what the assistant thinks, which say different things.
    case thoughtsDisagree(String, String, field: String)
    case learnedByMark(role: String, field: String)
    case unlearnedAnswer(field: String, isOfPair: Bool)
    /// A label that is no boolean.
    case noJudgement(column: String, found: String)
    /// A row with a label and no conversation.
    case nothingJudged(columns: [String])
    case answerWithoutPrompt(field: String)
    /// A number that 32 bits do not hold.
    case numberOutOfRange(String, column: String)
    case promptsDiffer(String, String)
    case pairWithoutPrompt
    case differsFromPair(field: String)
    case invalidTool(field: String, reason: String)
    case tooLong(tokens: Int, limit: Int)
    /// A prompt that shall be cut.
    case promptTooLong(tokens: Int, limit: Int)
    case nothingLeft(reason: String)
    case damagedGroup(reason: String)
    /// A pattern of the tokenizer gave up on the row.
    case notTokenized(TokenizerError)
  }

  package var problem: Problem
  package var file: String
  /// The number of the row, from 1.
  package var row: Int?
  /// The line of the row in a file with a row a line.
  package var line: Int?

  package init(_ problem: Problem, file: String, row: Int? = nil, line: Int? = nil) {
    self.problem = problem
    self.file = file
    self.row = row
    self.line = line
  }
}

/// All that is wrong with a dataset, the first problems in full.
package struct DatasetErrors: DiagnosticError {
  /// More problems than this are counted, not listed.
  package static let listed = 20

  package var problems: [any DiagnosticError]
  /// How many more there are.
  package var unlisted: Int

  package init(problems: [any DiagnosticError], unlisted: Int) {
    self.problems = problems
    self.unlisted = unlisted
  }

  package var diagnostics: [Diagnostic] {
    var all = problems.flatMap(\.diagnostics)
    if unlisted > 0, let last = all.indices.last {
      all[last].related.append(.init("and \(unlisted) more rows with problems", at: all[last].place ?? Place(file: "")))
    }
    return all
  }
}
