import Synchronization

/// Lets one progress report a node through in each stretch of time.
final class ProgressPace: Sendable {
  private let seconds: Double
  private let last = Mutex<[String: Double]>([:])

  init(seconds: Double) { self.seconds = seconds }

  func isDue(_ node: String, _ time: Double) -> Bool {
    last.withLock { last in
      if let before = last[node], time - before < seconds { return false }
      last[node] = time
      return true
    }
  }
}
