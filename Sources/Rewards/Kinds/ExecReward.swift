import Training

/// A program of one's own.
package struct ExecReward: RewardKind, Hashable {
  package static let name = "exec"
  package static let doc =
    "asks a program, which reads `{\"prompt\", \"completion\", \"row\"}` by lines and writes `{\"reward\"}` for each: a "
    + "number, or null to decline"

  package var command: [String] = []
  package var timeout = 60.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .texts(
      "command", \.command,
      doc: "The program and its arguments: `[python3, reward.py]`; the files among them are in the key"),
    .number(
      "timeout", \.timeout, .positive, unit: "seconds",
      doc: "How long an answer may take, the first one with the program's start; a completion without one has no reward"
    ),
  ]

  package var problem: String? {
    guard let program = command.first, !program.isEmpty else {
      return "`command` is missing; say which program to ask, such as `[python3, reward.py]`"
    }
    let words = program.split(separator: " ")
    guard command.count == 1, words.count > 1 else { return nil }
    return "`command` is one word with spaces in it; write a list: `[\(words.joined(separator: ", "))]`"
  }

  package func function(in context: RewardContext) throws -> any RewardFunction {
    try ExternalScorer(command, timeout: timeout)
  }
}
