/// Writes a run as plain lines, for logs of other programs and terminals that cannot redraw.
package final class PlainSink: EventSink {
  private let write: @Sendable (String) -> Void
  private let pace: ProgressPace

  /// - Parameters:
  ///   - secondsBetweenProgress: How often a running node may say how far it is.
  ///   - write: Takes a line without its end.
  package init(secondsBetweenProgress: Double = 10, write: @escaping @Sendable (String) -> Void) {
    pace = ProgressPace(seconds: secondsBetweenProgress)
    self.write = write
  }

  package func receive(_ event: RunEvent, time: Double) {
    if case .nodeReport(let node, .progress) = event, !pace.isDue(node, time) { return }
    for line in EventWords.lines(for: event) { write(line) }
  }
}

/// Writes every event as one line of JSON: what `--json` gives.
package final class JSONLinesSink: EventSink {
  private let write: @Sendable (String) -> Void

  package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

  package func receive(_ event: RunEvent, time: Double) { write(event.line(time: time)) }
}
