import ChatTemplates
import Diagnostics

extension RenderingReport {
  /// One problem a kind, each with its count and the first row.
  func errors(file: String) -> [Diagnostic] {
    var problems = failures.map { failure(of: $0, file: file) }
    func report(_ tally: Tally, code: String, _ summary: String, reason: String, advice: String) {
      guard tally.count > 0 else { return }
      problems.append(
        Diagnostic(code: code, summary, at: Place(file: file, row: tally.firstRow), reason: reason, advice: advice))
    }
    report(
      toolless, code: "template-drops-tools",
      "\(toolless.rows) of \(rowsWithTools) rows with tools lose them: the chat template prints none",
      reason: "the model would learn to call functions that it was never told of",
      advice: "use a template that knows `tools`, or leave them out of the rows")
    report(
      lostCalls, code: "template-drops-calls",
      "\(counted(lostCalls, "answer")) \(lostCalls.count == 1 ? "makes" : "make") calls that arrive nowhere: the chat "
        + "template does not print `tool_calls`",
      reason: "the model would learn to say nothing where it should call a function",
      advice: "use a template that knows `tool_calls`, or write the calls into the text of the answers")
    report(
      lostAnswers, code: "template-drops-answer",
      "Nothing arrives of \(counted(lostAnswers, "answer")): the chat template leaves \(lostAnswers.count == 1 ? "it" : "them") out",
      reason: "what is not in the rendered conversation cannot be learned",
      advice: "leave these messages out, or use a template that renders them")
    return problems
  }

  private func failure(of failure: Failure, file: String) -> Diagnostic {
    let inner = failure.diagnostic
    // Not a matter of the row.
    if inner.code == "no-template" { return inner }
    let more = failure.tally.rows - 1
    var problem = Diagnostic(
      code: "dataset", "The row cannot be rendered: \(inner.summary)",
      at: Place(file: file, row: failure.tally.firstRow), reason: inner.reason, advice: inner.advice)
    if let place = inner.place { problem.related.append(.init("raised here", at: place)) }
    if more > 0 {
      problem.related.append(
        .init("and \(more) more \(more == 1 ? "row" : "rows") for the same reason", at: Place(file: file)))
    }
    return problem
  }

  /// What is learned otherwise than the rows say, and shall be known.
  package func warnings(file: String) -> [Diagnostic] {
    var warnings: [Diagnostic] = []
    func warn(_ tally: Tally, code: String, _ summary: String, reason: String?, advice: String? = nil) {
      warnings.append(
        Diagnostic(
          .warning, code: code, summary, at: Place(file: file, row: tally.firstRow), reason: reason, advice: advice))
    }
    for kind in Arrival.Kind.allCases {
      guard let passage = passages[kind], passage.lossy.count > 0, let words = words(kind) else { continue }
      warn(
        passage.lossy, code: "template-loses-text",
        "\(passage.lossy.count) of \(passage.messages) \(words.loss): the chat template cuts them",
        reason: "\(passage.lost) of \(passage.characters) characters \(words.of) do not arrive", advice: words.advice)
    }
    if marksBeforeNext.count > 0 {
      warn(
        marksBeforeNext, code: "template-mark-before-next",
        "In \(marksBeforeNext.rows) of \(rows) rows the end mark of an answer stands only before the next question",
        reason: "it is learned there as the end of the answer")
    }
    if open.count > 0 {
      warn(
        open, code: "template-open-ending", "\(open.rows) of \(rows) rows end in no end mark",
        reason: "the last answer of the first ends in `\(openEnding)`, and the model will not learn to stop there",
        advice: "use a template that writes the model's end mark after every answer")
    }
    return warnings
  }

  private func words(_ kind: Arrival.Kind) -> (loss: String, of: String, advice: String?)? {
    let other = "use a template that prints them if they shall be learned"
    switch kind {
    case .answer: return ("answers lose text", "of answers", nil)
    case .thought: return ("answers lose their thoughts", "of thoughts", other)
    // All calls of a row lost is an error of its own.
    case .call: return lostCalls.count > 0 ? nil : ("answers lose part of their calls", "of calls", nil)
    case .tool: return toolless.count > 0 ? nil : ("tools are not printed", "of names and descriptions", other)
    case .system:
      return ("system texts are not wholly printed", "of system texts", other + "; some know `system`, not `developer`")
    case .question: return ("questions lose text", "of questions", nil)
    case .toolResult: return ("results of tools are not wholly printed", "of results", other)
    }
  }

  private func counted(_ tally: Tally, _ noun: String) -> String {
    let rows = tally.rows == 1 ? "1 row" : "\(tally.rows) rows"
    return tally.count == 1 ? "1 \(noun) in \(rows)" : "\(tally.count) \(noun)s in \(rows)"
  }
}
