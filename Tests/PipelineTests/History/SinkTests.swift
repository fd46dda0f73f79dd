import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

@Suite struct SinkTests {
  @Test func plainLinesTellWhatHappens() throws {
    let workspace = try ToyWorkspace()
    let lines = Lines()
    try workspace.run(
      """
      pipeline: p
      nodes:
        a: {type: toy_text, text: x}
        bad: {type: toy_fail, of: a, message: Broken}
        end: {type: toy_join, parts: [bad]}
      outputs: [end]
      """, sinks: [PlainSink { lines.add($0) }])
    let text = lines.all.map {
      $0.replacingOccurrences(of: #" in [0-9.]+ s"#, with: " in T", options: .regularExpression)
    }
    #expect(
      text == [
        "a: started (toy_text)", "a: done in T", "bad: started (toy_fail)", "bad: failed in T", "error: Broken",
        "end: not run, since [bad] failed",
      ])
  }

  @Test func everyEventIsALineOfJSON() throws {
    let workspace = try ToyWorkspace()
    let lines = Lines()
    try workspace.run(
      "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 3, pause: 0}\noutputs: [slow]\n",
      sinks: [JSONLinesSink { lines.add($0) }])
    let events = try lines.all.map { try JSON(parsing: $0)["event"]?.string ?? "?" }
    #expect(
      events == ["run_started", "node_started", "progress", "progress", "progress", "node_ended", "run_ended"])
  }

  @Test func metricsAreWrittenForPeople() {
    #expect(EventWords.value(1.23456, .plain) == "1.235")
    #expect(EventWords.value(0.012345, .plain) == "0.01235")
    #expect(EventWords.value(1234.5, .plain) == "1235")
    #expect(EventWords.value(0, .plain) == "0")
    #expect(EventWords.value(-2.5, .plain) == "-2.500")
    #expect(EventWords.value(0.0001, .scientific) == "1.00e-4")
    #expect(EventWords.value(0.5, .percent) == "50.0%")
    #expect(EventWords.value(512.3, .perSecond) == "512/s")
    #expect(EventWords.value(.nan, .plain) == "nan")
    let update = ProgressUpdate(step: 3, total: 4, metrics: [.init("loss", 1.5)], secondsLeft: 90)
    #expect(EventWords.progress(update) == "step 3/4, loss 1.500, 90 s left")
    #expect(update.fraction == 0.75)
    #expect(ProgressUpdate(update.json) == update)
  }

  @Test func aTerminalShowsRunningNodesBelowFinishedOnes() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let sink = TerminalSink(descriptor: ends[1], isColored: false)
    let key = Digest(of: [])
    sink.receive(
      .nodeStarted(node: "sft", type: "train", key: key, reason: .noResult, attempt: 1, isWorker: true), time: 1)
    let update = ProgressUpdate(step: 5, total: 10, metrics: [.init("loss", 2)], secondsLeft: 5)
    sink.receive(.nodeReport(node: "sft", .progress(update)), time: 2)
    // Too soon to be drawn.
    sink.receive(.nodeReport(node: "sft", .progress(ProgressUpdate(step: 6, total: 10))), time: 2.05)
    close(ends[1])
    let output = String(
      decoding: FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readDataToEndOfFile(), as: UTF8.self)
    let bar = String(repeating: "━", count: 10) + String(repeating: "─", count: 10)
    #expect(
      output == "sft          0.0 s\n\u{1B}[1A\u{1B}[0Jsft          \(bar)   50%  step 5/10, loss 2.000, 5.0 s left\n")
  }

  @Test func timesAreWrittenForPeople() {
    #expect(duration(0.34) == "0.3 s")
    #expect(duration(45) == "45 s")
    #expect(duration(125) == "2 min")
    #expect(duration(7200) == "2 h")
    #expect(duration(9000) == "2 h 30 min")
  }
}

/// Lines that a sink wrote, from whichever thread.
private final class Lines: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []

  var all: [String] { lock.withLock { lines } }
  func add(_ line: String) { lock.withLock { lines.append(line) } }
}
