import Diagnostics

/// What a worker has said so far, however its lines come.
struct WorkerMessages {
  private let report: NodeReport.Receiver
  private var buffer: [UInt8] = []
  /// How its work ended; nil while it goes on, as it does in a worker that was started once more.
  private(set) var last: WorkerMessage?
  /// Highest resident memory in bytes.
  var peak = 0
  /// Whether the worker has said anything.
  private(set) var isAnswered = false

  var peakMemory: Int? { peak > 0 ? peak : nil }

  init(report: @escaping NodeReport.Receiver) { self.report = report }

  mutating func take(_ bytes: some Collection<UInt8>) {
    buffer += bytes
    while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
      let line = Array(buffer[..<end])
      buffer.removeFirst(end + 1)
      guard let message = WorkerMessage(line) else { continue }
      isAnswered = true
      switch message {
      case .ready: last = nil
      case .report(let message): report(message)
      case .peak(let bytes): peak = max(peak, bytes)
      case .failed, .lost, .done, .interrupted: last = message
      }
    }
  }
}

extension Store {
  /// The result of a job whose worker says that it is done.
  func made(_ job: ActionJob) -> Result<StoredResult, ActionFailure> {
    do {
      switch try result(for: job.key) {
      case .found(let result): return .success(result)
      case .none, .dead:
        let problem = Diagnostic(
          code: "vanished-result", "The result of node `\(job.node)` vanished from the store right after it was made")
        return .failure(.failed([problem]))
      }
    } catch { return .failure(.failed(diagnostics(of: error))) }
  }
}
