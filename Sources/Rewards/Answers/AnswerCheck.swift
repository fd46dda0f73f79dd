import PreciseJSON
import Training

/// Compares the answer in a completion with the right one in a column of the row.
///
/// Where the right one is a number the completion's must hold exactly one, equal in its normal form; else both are
/// compared as texts, without regard to case, to white space and to the marks that end a sentence.
package struct AnswerCheck: Sendable, Hashable {
  package var source = AnswerSource.marker
  package var marker = "####"
  package var column = "answer"

  package init() {}

  /// Whether the completion's answer is the right one; without an answer it is not.
  enum Verdict {
    case right
    case wrong
    case noAnswer
    /// The row has no right answer.
    case unknown
  }

  /// - Throws: ``RewardError/answerNotText(column:found:)`` for a column that holds something else.
  func verdict(on sample: RewardSample) throws(RewardError) -> Verdict {
    guard let truth = try truth(in: sample.row) else { return .unknown }
    guard let answer = source.answer(in: sample.completion, marker: marker) else { return .noAnswer }
    return isRight(answer, truth) ? .right : .wrong
  }

  private func truth(in row: JSONObject) throws(RewardError) -> String? {
    switch row[column] {
    case nil, .null?: return nil
    case .string(let text)?: return AnswerSource.line(behind: marker, in: text) ?? text.trimmed
    case .number(let number)?: return number.text
    case .bool(let value)?: return value ? "true" : "false"
    case let other?: throw .answerNotText(column: column, found: other.kind)
    }
  }

  private func isRight(_ answer: String, _ truth: String) -> Bool {
    guard let wanted = NumberText.normalForm(of: truth) else { return Self.plain(answer) == Self.plain(truth) }
    if let found = NumberText.normalForm(of: answer) { return found == wanted }
    let numbers = NumberText.numbers(in: answer)
    return numbers.count == 1 && NumberText.normalForm(of: numbers[0]) == wanted
  }

  /// A text in small letters, with one space where there is white space, without the end of its sentence.
  private static func plain(_ text: String) -> String {
    var plain = text.unicodeScalars.split { $0.properties.isWhitespace }.map(String.init).joined(separator: " ")
    while let last = plain.last, ".!?".contains(last) { plain.removeLast() }
    return plain.trimmed.lowercased()
  }
}

/// A kind of functions that ask whether the answer is right.
protocol ChecksAnswer: RewardKind {
  var check: AnswerCheck { get set }
}

extension ChecksAnswer {
  package var columns: [String] { [check.column] }

  package var problem: String? {
    check.source == .marker && check.marker.isEmpty ? "`marker` is empty; say what stands before the answer" : nil
  }

  static var checkSettings: [Setting<Self>] {
    [
      .choice(
        "source", \.check.source,
        doc: "Where the answer stands in the completion: behind the last `marker` on its line, in the last "
          + "`\\boxed{…}`, in the last `<answer>…</answer>`, the last number, or the whole text"),
      .text("marker", \.check.marker, doc: "What stands before the answer, in the column too where it is there"),
      .text(
        "column", \.check.column,
        doc: "The column of the row that has the right answer; without it a row has no reward"),
    ]
  }
}
