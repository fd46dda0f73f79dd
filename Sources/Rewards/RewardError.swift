import Threads

/// Why completions cannot be judged; worded in `RewardError+Wording.swift`.
package enum RewardError: Error, Sendable, Hashable {
  /// The column of right answers holds something that is no answer.
  case answerNotText(column: String, found: String)
  case pattern(String, reason: String)
  /// A program cannot be started; the system's error number.
  case start([String], code: Int32)
  /// A program ended before it had answered; nil where it closed its output and goes on.
  case ended([String], SpawnedProcess.Ending?, answered: Int, of: Int)
  /// A program wrote a line that is no reward.
  case malformed([String], line: Int, text: String, reason: String)
  /// A program never gave an answer in time.
  case silent([String], seconds: Double, times: Int)
}
