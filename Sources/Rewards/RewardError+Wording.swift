import Diagnostics
import Glibc
import Threads

extension RewardError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .answerNotText(let column, let found):
      [
        Diagnostic(
          code: "reward-answer", "The right answer in the column `\(column)` is \(found)",
          reason: "An answer is text, a number or a truth value", advice: "Name another column with `column`")
      ]
    case .pattern(let pattern, let reason):
      [Diagnostic(code: "reward-pattern", "`\(pattern)` is no regular expression: \(reason)")]
    case .start(let command, let code):
      [
        Diagnostic(
          code: "reward-start", "The reward program `\(Self.words(command))` does not start",
          reason: String(cString: strerror(code)), advice: Self.advice(command, code))
      ]
    case .ended(let command, let ending, let answered, let count):
      [
        Diagnostic(
          code: "reward-ended", "The reward program `\(Self.words(command))` \(Self.words(ending))",
          reason: "It had answered \(answered) of \(count) completions",
          advice: "What it wrote to its standard error is in the log; it has to go on until its input ends")
      ]
    case .malformed(let command, let line, let text, let reason):
      [
        Diagnostic(
          code: "reward-line", "Line \(line) of the reward program `\(Self.words(command))` is no reward: \(reason)",
          reason: "The line is `\(text)`",
          advice: "Write one line a completion, such as `{\"reward\": 0.5}`, and everything else to the standard error")
      ]
    case .silent(let command, let seconds, let times):
      [
        Diagnostic(
          code: "reward-silent",
          "The reward program `\(Self.words(command))` gave no answer within \(seconds) seconds, \(times) times",
          reason: "It has never answered; perhaps it keeps its lines to itself until there are many",
          advice: "Flush after each line, or raise `timeout`")
      ]
    }
  }

  private static func words(_ command: [String]) -> String { command.joined(separator: " ") }

  private static func words(_ ending: SpawnedProcess.Ending?) -> String {
    switch ending {
    case nil: "closed its output"
    case .exited(let code)?: "ended with code \(code)"
    case .killed(let signal)?: "was killed by signal \(signal)"
    }
  }

  private static func advice(_ command: [String], _ code: Int32) -> String? {
    switch code {
    case ENOENT where command[0].contains("/"):
      "There is no file `\(command[0])`, or not the program that its first line names"
    case ENOENT: "There is no `\(command[0])` on `PATH`"
    case EACCES: "Make it executable (`chmod +x`), or name the program that runs it: `[python3, \(command[0])]`"
    case ENOEXEC: "Begin it with a line such as `#!/usr/bin/env python3`, or name the program that runs it"
    default: nil
    }
  }
}
