import Diagnostics
import Glibc
import PreciseJSON
import Threads

/// Performs each action in a worker process, which can crash or run out of memory without taking anything else along,
/// and gives its memory back when it ends.
package struct WorkerExecutor: Executor {
  /// The worker's program and its arguments.
  private let program: [String]
  private let store: Store
  private let remotes: RemoteCaches
  private let spare = SpareWorker()

  /// An executor that starts `program`; by default this very program with the argument `worker`.
  package init(store: Store, remotes: RemoteCaches = RemoteCaches(), program: [String]? = nil) {
    self.store = store
    self.remotes = remotes
    self.program = program ?? ["/proc/self/exe", "worker"]
  }

  package func execute(
    _ job: ActionJob, log: String, stop: Cancellation, report: @escaping NodeReport.Receiver
  ) -> ActionOutcome {
    if let child = spare.take() {
      let conversation = talk(with: child, about: job, log: log, stop: stop, report: report)
      // One that ended before it had the job (a library that could not be loaded, say) had no log to say why.
      if conversation.isAnswered || conversation.isStopped {
        return conversation.outcome(of: job, store, log: log)
      }
    }
    do {
      let child = try ChildProcess(program: program, log: log)
      return talk(with: child, about: job, log: log, stop: stop, report: report).outcome(of: job, store, log: log)
    } catch { return ActionOutcome(result: .failure(.failed(diagnostics(of: error)))) }
  }

  private func talk(
    with child: ChildProcess, about job: ActionJob, log: String, stop: Cancellation,
    report: @escaping NodeReport.Receiver
  ) -> Conversation {
    defer { child.closePipes() }
    let order: JSON = [
      "store": JSON(store.path), "watch": JSON(true), "log": JSON(log), "remotes": remotes.json, "job": job.json,
    ]
    var refusal: SystemError?
    do { try FileSystem.writeAll(child.input, Array((order.text() + "\n").utf8), program[0]) } catch {
      // A worker that is gone already is noticed below; one that has half a job would wait for the rest.
      if let error = error as? SystemError, error.code != EPIPE {
        refusal = SystemError("send the job to", program[0], code: error.code)
        child.signal(SIGKILL)
      }
    }
    // A log that is not there yet, or cannot be looked at, is taken as a whole.
    let logStart = ((try? FileSystem().status(log)) ?? nil)?.stamp.size ?? 0
    var conversation = Conversation(report: report, logStart: logStart, refusal: refusal)
    conversation.follow(child, stop)
    return conversation
  }

  /// Starts a worker that waits for its job, so that the job need not wait for the start of a process.
  package func prepare() { spare.start(program) }

  package func dismiss() { spare.dismiss() }
}

/// What is said between a worker and its parent.
private struct Conversation {
  private let logStart: Int
  /// Why the worker did not get its job.
  private let refusal: SystemError?
  private var messages: WorkerMessages
  private var sent = Cancellation.Level.none
  /// How many requests to save were passed on.
  private var saves: Int?
  private var ending = SpawnedProcess.Ending.exited(-1)
  var isAnswered: Bool { messages.isAnswered }
  var isStopped: Bool { sent > .none }

  init(report: @escaping NodeReport.Receiver, logStart: Int, refusal: SystemError?) {
    messages = WorkerMessages(report: report)
    self.logStart = logStart
    self.refusal = refusal
  }

  /// Listens until the worker has ended, and passes requests to stop on to it.
  mutating func follow(_ child: ChildProcess, _ stop: Cancellation) {
    var isOpen = true
    var looked = 0.0
    // A process that has closed its pipe is about to end.
    var patience = 0.0002
    while true {
      if isOpen {
        if let bytes = child.read(waiting: 50) { messages.take(bytes) } else { isOpen = false }
      } else {
        pause(patience)
        patience = min(2 * patience, 0.02)
      }
      passOnSaveRequests(child, stop.saveRequests)
      let wanted = stop.level
      if wanted > sent {
        sent = wanted
        child.signal(sent == .immediate ? SIGKILL : SIGTERM)
      }
      if steadyClock() - looked > 0.5 {
        looked = steadyClock()
        messages.peak = max(messages.peak, peakMemory(of: child.process) ?? 0)
      }
      if let ending = child.ending() {
        while isOpen, let bytes = child.read(waiting: 0), !bytes.isEmpty { messages.take(bytes) }
        // What it started and left behind goes with it.
        kill(-child.process, SIGKILL)
        self.ending = ending
        return
      }
    }
  }

  /// Those that came since the worker has its job; before it catches the signal, it would be the end of it.
  private mutating func passOnSaveRequests(_ child: ChildProcess, _ requests: Int) {
    guard isAnswered else { return }
    if let saves, requests > saves { kill(child.process, SIGUSR1) }
    saves = requests
  }

  func outcome(of job: ActionJob, _ store: Store, log: String) -> ActionOutcome {
    if let refusal { return ActionOutcome(result: .failure(.failed(diagnostics(of: refusal)))) }
    var differs = false
    let result: Result<StoredResult, ActionFailure>
    switch (ending, messages.last) {
    case (.exited(0), .done(let isOther)?):
      differs = isOther
      result = store.made(job)
    case (.exited(75), _): result = .failure(.interrupted)
    case (_, .failed(let problems)?): result = .failure(.failed(problems))
    case (_, .lost(let blob, let damage)?): result = .failure(.lost(blob, damage))
    // A worker that has just started does not catch signals yet.
    case (.killed(SIGTERM), _) where isStopped: result = .failure(.interrupted)
    case (.killed, _) where sent == .immediate: result = .failure(.interrupted)
    default:
      let crash = WorkerCrash(node: job.node, ending: ending, log: log, start: logStart)
      result = .failure(.failed(crash.diagnostics))
    }
    return ActionOutcome(result: result, differs: differs, peakMemory: messages.peakMemory)
  }
}

/// Sleeps for a fraction of a second.
func pause(_ seconds: Double) { usleep(UInt32(seconds * 1_000_000)) }
