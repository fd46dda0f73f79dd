import Diagnostics
import Glibc
import Synchronization

/// Shows a run on a terminal: lines for what has happened, and below them one redrawn line for each running node.
///
///     sft  ━━━━━━━━━━━━────────  61%  step 73/120, loss 1.234, 512/s, 2 min left
package final class TerminalSink: EventSink {
  private struct Running {
    var name: String
    var started: Double
    var update: ProgressUpdate?
    var isWaiting = false
  }

  private struct State {
    var running: [Running] = []
    /// Lines that stand below the last finished one.
    var drawn = 0
    var lastDraw = 0.0
  }

  private let descriptor: Int32
  private let isColored: Bool
  private let state = Mutex(State())

  /// Whether a file descriptor is a terminal that can redraw lines.
  package static func isUsable(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1, let term = getenv("TERM") else { return false }
    return String(cString: term) != "dumb"
  }

  /// - Parameters:
  ///   - descriptor: The terminal; standard error in the command line tool.
  ///   - isColored: nil asks the environment (`NO_COLOR`).
  package init(descriptor: Int32 = STDERR_FILENO, isColored: Bool? = nil) {
    self.descriptor = descriptor
    let forbidden = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
    self.isColored = isColored ?? !forbidden
  }

  package func receive(_ event: RunEvent, time: Double) {
    state.withLock { state in
      var lines: [String] = []
      switch event {
      case .nodeStarted(let node, _, _, let reason, _, _):
        state.running.removeAll { $0.name == node }
        state.running.append(Running(name: node, started: time))
        if reason != .noResult { lines = EventWords.lines(for: event) }
      case .nodeWaiting(let node, _, _):
        if let index = state.running.firstIndex(where: { $0.name == node }) { state.running[index].isWaiting = true }
      case .nodeReport(let node, .progress(let update)):
        if let index = state.running.firstIndex(where: { $0.name == node }) { state.running[index].update = update }
        if time - state.lastDraw < 0.1 { return }
      case .nodeEnded(let record):
        state.running.removeAll { $0.name == record.name }
        lines = EventWords.lines(for: event)
        if isColored, let first = lines.first { lines[0] = Self.painted(first, record.state) }
      case .ended: state.running = []
      default: lines = EventWords.lines(for: event)
      }
      draw(&state, adding: lines, time)
    }
  }

  /// Clears the running lines, writes the new finished ones, and draws the running ones again; the cursor is left at the
  /// start of a line, so that nothing has to be restored when the process is killed.
  private func draw(_ state: inout State, adding lines: [String], _ time: Double) {
    var out = state.drawn > 0 ? "\u{1B}[\(state.drawn)A\u{1B}[0J" : ""
    for line in lines { out += line + "\n" }
    let (width, height) = size()
    let shown = state.running.prefix(max(1, height - 2))
    for running in shown { out += line(running, width, time) + "\n" }
    state.drawn = shown.count
    state.lastDraw = time
    try? FileSystem.writeAll(descriptor, Array(out.utf8), "the terminal")
  }

  private func line(_ running: Running, _ width: Int, _ time: Double) -> String {
    let name = running.name.count > 20 ? String(running.name.prefix(19)) + "…" : running.name
    let head = name + String(repeating: " ", count: max(0, 12 - name.count)) + " "
    var fraction: Double?
    var text = ""
    if running.isWaiting {
      text = "another process is making it"
    } else if let update = running.update {
      fraction = update.fraction
      text = EventWords.progress(update)
    } else {
      text = duration(time - running.started)
    }
    // A wrapped line would take two rows and spoil the redrawing.
    var room = width - 1 - head.unicodeScalars.count
    var bar = ""
    if let fraction {
      let percent = String(Int(fraction * 100))
      text = String(repeating: " ", count: max(0, 3 - percent.count)) + percent + "%  " + text
      // The numbers matter more than the bar.
      let places = [20, 8].first { text.unicodeScalars.count + $0 + 2 <= room } ?? 0
      if places > 0 {
        let filled = Int((fraction * Double(places)).rounded())
        bar = String(repeating: "━", count: filled) + String(repeating: "─", count: places - filled)
        text = "  " + text
        room -= places
      }
    }
    if text.unicodeScalars.count > room {
      text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(max(0, room - 1)))) + "…"
    }
    return head + (isColored && !bar.isEmpty ? "\u{1B}[36m\(bar)\u{1B}[0m" : bar) + text
  }

  private static func painted(_ line: String, _ state: NodeState) -> String {
    let color: String
    switch state {
    case .ran: color = "\u{1B}[32m"
    case .failed, .blocked: color = "\u{1B}[31m"
    case .interrupted: color = "\u{1B}[33m"
    case .cached, .running, .notStarted, .notNeeded: color = "\u{1B}[2m"
    }
    return color + line + "\u{1B}[0m"
  }

  private func size() -> (width: Int, height: Int) {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}
