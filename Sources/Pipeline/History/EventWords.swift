import Diagnostics

/// The events of a run in the words of people.
package enum EventWords {
  /// The lines for an event; none for those that say nothing new.
  package static func lines(for event: RunEvent) -> [String] {
    switch event {
    case .started, .nodeReport(_, .log): []
    case .nodeStarted(let node, let type, _, let reason, _, _):
      switch reason {
      case .noResult: ["\(node): started (\(type))"]
      case .dead, .forced, .unversioned, .stale: ["\(node): started (\(type)), because \(reason.words)"]
      }
    case .nodeWaiting(let node, _, let owner):
      ["\(node): waiting for \(owner.map { "process \($0.process) on \($0.host)" } ?? "another process") to make it"]
    case .nodeFetched(let node, _, let cache): ["\(node): fetched from `\(cache)`"]
    case .notShared(let node, _, let problems): ["\(node): not shared: \(problems.joined(separator: "; "))"]
    case .nodeReport(let node, .progress(let update)): ["\(node): \(progress(update))"]
    case .nodeReport(let node, .warning(let problem)): ["\(node): \(problem.rendered())"]
    case .healing(let node, let reason): ["\(node): \(reason.words); it is made again"]
    case .agrees(let node, let key):
      ["\(node): made the same bytes as the result under its key \(key.short)"]
    case .differs(let node, let key, isReplaced: false):
      ["\(node): made other bytes than the result that stands under the same key \(key.short); that one stays"]
    case .differs(let node, let key, isReplaced: true):
      ["\(node): made other bytes than the result under the same key \(key.short), which it replaces"]
    case .retrying(let node, let attempt, let problems):
      ["\(node): failed, attempt \(attempt) follows"] + problems.map { $0.rendered() }
    case .nodeEnded(let record): ended(record)
    case .stopping(let level):
      [level == .immediate ? "Stopping now" : "Stopping: steps are finished and saved; once more stops at once"]
    case .ended: []
    }
  }

  private static func ended(_ record: NodeRecord) -> [String] {
    let time = record.seconds.map { " in \(duration($0))" } ?? ""
    switch record.state {
    case .ran: return ["\(record.name): done\(time)"]
    case .cached: return ["\(record.name): cached" + (record.sameWorkAs.map { " (the same work as `\($0)`)" } ?? "")]
    case .failed: return ["\(record.name): failed\(time)"] + record.problems.map { $0.rendered() }
    case .blocked: return ["\(record.name): not run, since [\(record.blockedBy.joined(separator: ", "))] failed"]
    case .interrupted: return ["\(record.name): stopped\(time)"]
    case .running, .notStarted, .notNeeded: return []
    }
  }

  /// `step 40/120, loss 1.234, 512/s, 2 min left`.
  package static func progress(_ update: ProgressUpdate) -> String {
    var parts: [String] = []
    if let step = update.step {
      parts.append("\(update.unit) \(step)" + (update.total.map { "/\($0)" } ?? ""))
    } else if let fraction = update.fraction {
      parts.append("\(Int(fraction * 100))%")
    }
    if let words = update.words { parts.append(words) }
    parts += update.metrics.map { "\($0.name) \(value($0.value, $0.format))" }
    if let left = update.secondsLeft { parts.append("\(duration(left)) left") }
    return parts.joined(separator: ", ")
  }

  /// A metric's value.
  package static func value(_ value: Double, _ format: ProgressUpdate.Format) -> String {
    guard value.isFinite else { return "\(value)" }
    switch format {
    case .plain: return significant(value, digits: 4)
    case .integer: return String(Int(max(-1e15, min(1e15, value.rounded()))))
    case .percent: return "\(significant(value * 100, digits: 3))%"
    case .scientific: return scientific(value)
    case .perSecond: return "\(significant(value, digits: 3))/s"
    }
  }

  private static func significant(_ value: Double, digits: Int) -> String {
    if value == 0 { return "0" }
    let magnitude = abs(value)
    if magnitude >= 1e15 || magnitude < 1e-4 { return scientific(value) }
    var before = 1
    var limit = 10.0
    while magnitude >= limit {
      before += 1
      limit *= 10
    }
    // A number below 1 has its first digit further behind.
    var first = 1.0
    var zeros = 0
    while magnitude < first {
      first /= 10
      zeros += 1
    }
    return fixed(value, places: max(0, magnitude < 1 ? digits - 1 + zeros : digits - before))
  }

  private static func scientific(_ value: Double) -> String {
    if value == 0 { return "0" }
    var mantissa = abs(value)
    var exponent = 0
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return (value < 0 ? "-" : "") + fixed(mantissa, places: 2) + "e\(exponent)"
  }

  private static func fixed(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let whole = Int((abs(value) * scale).rounded())
    guard places > 0 else { return (value < 0 ? "-" : "") + String(whole) }
    let digits = String(whole)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return (value < 0 ? "-" : "") + padded.dropLast(places) + "." + padded.suffix(places)
  }
}
