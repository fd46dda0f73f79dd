import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Two texts, joined, cut.
let chain = """
  pipeline: chain
  nodes:
    a: {type: toy_text, text: hello, count_in: COUNT}
    b: {type: toy_file, from: DIR/input.txt, count_in: COUNT}
    both: {type: toy_join, parts: [a, b], count_in: COUNT}
    start: {type: toy_head, of: both, letters: 7, count_in: COUNT}
    halves: {type: toy_pair, of: start, at: 3, count_in: COUNT}
    end: {type: toy_join, parts: [halves.right, halves.left], separator: "|", count_in: COUNT}
  outputs: [end]
  """

@Suite struct RunningTests {
  private func workspace() throws -> ToyWorkspace {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("one\n# a remark\ntwo\n", to: "input.txt")
    return workspace
  }

  @Test func runsEverythingOnceAndThenNothing() throws {
    let workspace = try workspace()
    let first = try workspace.run(chain)
    #expect(first.state == .done)
    #expect(first.names(.ran) == ["a", "b", "both", "start", "halves", "end"].filter(first.names(.ran).contains))
    #expect(try workspace.executed().sorted() == ["a", "b", "both", "end", "halves", "start"])
    #expect(try workspace.text(first, "end") == "lo o|hel")
    let second = try workspace.run(chain, store: workspace.reopened())
    #expect(second.names(.cached).count == 6)
    #expect(try workspace.executed() == [])
    #expect(second["end"]?.result?.digests == first["end"]?.result?.digests)
  }

  @Test func stopsWhereAnEditMakesNoDifference() throws {
    let workspace = try workspace()
    try workspace.run(chain)
    _ = try workspace.executed()
    // The remark is dropped by `b`, so nothing below it runs.
    try workspace.folder.write("one\n# another remark\ntwo\n", to: "input.txt")
    try workspace.run(chain)
    #expect(try workspace.executed() == ["b"])
    // A change behind the seventh letter is dropped by `start`.
    try workspace.folder.write("one\n# another remark\nthree\n", to: "input.txt")
    try workspace.run(chain)
    #expect(try workspace.executed() == ["b", "both", "start"])
  }

  @Test func runsEqualWorkUnderTwoNamesOnce() throws {
    let workspace = try workspace()
    let summary = try workspace.run(
      """
      pipeline: twins
      nodes:
        x: {type: toy_text, text: same, count_in: COUNT}
        y: {type: toy_text, text: same, label: other, count_in: COUNT}
        both: {type: toy_join, parts: [x, y], count_in: COUNT}
      outputs: [both]
      """)
    #expect(try workspace.executed() == ["x", "both"])
    #expect(summary["y"]?.state == .cached)
    #expect(summary["y"]?.sameWorkAs == "x")
  }

  @Test func runsTargetsAndWhatTheyAreMadeFrom() throws {
    let workspace = try workspace()
    var options = RunOptions()
    options.targets = ["both"]
    let summary = try workspace.run(chain, options: options)
    #expect(try workspace.executed().sorted() == ["a", "b", "both"])
    #expect(summary["end"]?.state == .notNeeded)
    options.targets = ["bot"]
    let error = #expect(throws: DiagnosticList.self) { try workspace.run(chain, options: options) }
    #expect(error?.diagnostics.first?.advice == "`both`")
    // All at once, also outputs that a node does not have.
    options.targets = ["both.tex", "a.text", "a.", "end.other", "bot"]
    let several = #expect(throws: DiagnosticList.self) { try workspace.run(chain, options: options) }
    #expect(
      several?.diagnostics.map { "\($0.summary); \($0.reason ?? ""); \($0.advice ?? "")" } == [
        "Node `both` has no output `tex`; its outputs are [text]; `both.text`",
        "Node `a` has no output ``; its outputs are [text]; `a` runs the node",
        "Node `end` has no output `other`; its outputs are [text]; `end` runs the node",
        "There is no node `bot` to run; the nodes are [a, b, both, start, halves, end]; `both`",
      ])
  }

  @Test func runsForcedNodesAgain() throws {
    let workspace = try workspace()
    try workspace.run(chain)
    _ = try workspace.executed()
    var options = RunOptions()
    options.forced = ["both"]
    let summary = try workspace.run(chain, options: options)
    #expect(try workspace.executed() == ["both"])
    #expect(summary["both"]?.state == .ran)
    #expect(summary["end"]?.state == .cached)
  }

  /// Such as the speeds in a training's metrics.
  @Test func whatAForcedNodeMakesReplacesWhatItMadeBefore() throws {
    let workspace = try workspace()
    let text = """
      pipeline: dice
      nodes:
        dice: {type: toy_dice}
        end: {type: toy_join, parts: [dice]}
      outputs: [end]
      """
    let first = try workspace.run(text)
    var options = RunOptions()
    options.forced = ["dice"]
    let events = EventCollector()
    let second = try workspace.run(text, options: options, sinks: [events])
    #expect(second["dice"]?.key == first["dice"]?.key)
    #expect(second["dice"]?.result?.digests != first["dice"]?.result?.digests)
    #expect(second["end"]?.state == .ran)
    #expect(try workspace.text(second, "end") == workspace.text(second, "dice"))
    let words = events.events.flatMap(EventWords.lines)
    #expect(words.contains { $0.hasPrefix("dice: made other bytes") && $0.hasSuffix("which it replaces") })
    let third = try workspace.run(text, store: workspace.reopened())
    #expect(third.names(.cached) == ["dice", "end"])
    #expect(third["dice"]?.result?.digests == second["dice"]?.result?.digests)
    // Whoever still reads what was there before is not disturbed.
    #expect(try workspace.text(first, "dice") != workspace.text(second, "dice"))
  }

  @Test func blocksWhatNeedsAFailedNode() throws {
    let workspace = try workspace()
    let text = """
      pipeline: trouble
      nodes:
        bad: {type: toy_fail, message: Broken on purpose}
        a: {type: toy_text, text: a, count_in: COUNT}
        after: {type: toy_join, parts: [bad, a], count_in: COUNT}
        beside: {type: toy_join, parts: [a], count_in: COUNT}
        all: {type: toy_join, parts: [after, beside], count_in: COUNT}
      outputs: [all]
      """
    var options = RunOptions()
    options.keepGoing = true
    let summary = try workspace.run(text, options: options)
    #expect(summary.state == .failed)
    #expect(summary.exitCode == 1)
    #expect(summary["bad"]?.problems.map(\.summary) == ["Broken on purpose"])
    #expect(summary["after"]?.state == .blocked)
    #expect(summary["all"]?.blockedBy == ["bad"])
    #expect(summary["beside"]?.state == .ran)
    #expect(try workspace.executed() == ["a", "beside"])
  }

  @Test func triesAgainAsOftenAsAllowed() throws {
    let workspace = try workspace()
    let text = """
      pipeline: retry
      nodes:
        shaky: {type: toy_fail, attempts: DIR/attempts, failures: 2, retries: RETRIES, message: ok}
      outputs: [shaky]
      """
    let tooFew = try workspace.run(text.replacingOccurrences(of: "RETRIES", with: "1"))
    #expect(tooFew["shaky"]?.state == .failed)
    #expect(tooFew["shaky"]?.attempts == 2)
    let enough = try workspace.run(text.replacingOccurrences(of: "RETRIES", with: "1"))
    #expect(enough["shaky"]?.state == .ran)
  }

  @Test func stopsANodeAtItsTimeout() throws {
    let workspace = try workspace()
    let summary = try workspace.run(
      """
      pipeline: late
      nodes:
        late: {type: toy_fail, pause: 20, timeout: 0.3s}
      outputs: [late]
      """)
    #expect(summary["late"]?.state == .failed)
    #expect(
      summary["late"]?.problems.first?.summary == "Node `late` took longer than its timeout of 0.3 s")
    #expect(summary.seconds < 5)
  }

  /// A node that never asks whether it should stop.
  private let deaf = """
    pipeline: deaf
    nodes:
      a: {type: toy_text, text: one}
      deaf: {type: toy_join, parts: [a], pause: 4, timeout: LIMIT}
    outputs: [deaf]
    """

  @Test func aNodeThatNeverLooksIsLeftBehindAtItsTimeout() throws {
    var options = RunOptions()
    options.patience = 0.2
    let text = deaf.replacingOccurrences(of: "LIMIT", with: "0.3s")
    let summary = try workspace().run(text, options: options)
    #expect(summary["deaf"]?.state == .failed)
    #expect(summary["deaf"]?.problems.first?.summary == "Node `deaf` took longer than its timeout of 0.3 s")
    #expect(summary.seconds < 3)
  }

  @Test func aNodeThatNeverLooksIsLeftBehindOnRequest() throws {
    var options = RunOptions()
    options.patience = 0.2
    let cancellation = Cancellation()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      cancellation.request()
    }
    let text = deaf.replacingOccurrences(of: "LIMIT", with: "60s")
    let summary = try workspace().run(text, options: options, cancellation: cancellation)
    #expect(summary["deaf"]?.state == .interrupted)
    #expect(summary.exitCode == 75)
    #expect(summary.seconds < 3)
  }

  @Test func stopsOnRequest() throws {
    let workspace = try workspace()
    let cancellation = Cancellation()
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      cancellation.request()
    }
    let summary = try workspace.run(
      """
      pipeline: stopped
      nodes:
        slow: {type: toy_slow, steps: 1000, pause: 0.02}
        next: {type: toy_join, parts: [slow]}
      outputs: [next]
      """, cancellation: cancellation)
    #expect(summary.state == .interrupted)
    #expect(summary.exitCode == 75)
    #expect(summary["slow"]?.state == .interrupted)
    #expect(summary["next"]?.state == .notStarted)
  }

  @Test func checksOutputsBeforeTheyArePublished() throws {
    let workspace = try workspace()
    let summary = try workspace.run(
      "pipeline: p\nnodes:\n  bad: {type: toy_text, text: an invalid text}\noutputs: [bad]\n")
    #expect(summary["bad"]?.problems.map(\.summary) == ["The text holds the word `invalid`"])
    #expect(try workspace.blobs() == [])
  }

  @Test func refusesASourceThatChangesMeanwhile() throws {
    let workspace = try workspace()
    let text = "pipeline: p\nnodes:\n  b: {type: toy_file, from: DIR/input.txt, meddle: true}\noutputs: [b]\n"
    let summary = try workspace.run(text)
    #expect(summary["b"]?.state == .failed)
    #expect(
      summary["b"]?.problems.first?.summary
        == "`\(workspace.folder.path("input.txt"))` changed while the node that reads it as `from` was running")
  }

  @Test func publishesPartsAtOnce() throws {
    let workspace = try workspace()
    try workspace.folder.write("one\ntwo\nthree", to: "input.txt")
    let text = """
      pipeline: parts
      nodes:
        lines: {type: toy_file, from: DIR/input.txt}
        doubled: {type: toy_parts, of: lines, fail_after: FAIL, count_in: COUNT}
      outputs: [doubled]
      """
    let failed = try workspace.run(text.replacingOccurrences(of: "FAIL", with: "2"))
    #expect(failed["doubled"]?.state == .failed)
    #expect(try workspace.executed().count == 2)
    let whole = try workspace.run(text.replacingOccurrences(of: "FAIL", with: "0"))
    #expect(try workspace.executed().count == 1)
    #expect(try workspace.text(whole, "doubled") == "oneone\ntwotwo\nthreethree")
    try workspace.folder.write("one\ntwo\nthree\nfour", to: "input.txt")
    try workspace.run(text.replacingOccurrences(of: "FAIL", with: "0"))
    #expect(try workspace.executed().count == 1)
  }
}
