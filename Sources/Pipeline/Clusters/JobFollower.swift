import Diagnostics
import Glibc

/// Follows one job to its end: by what its worker says, by the result in the store, and by what the scheduler says.
struct JobFollower {
  private let job: ActionJob
  private let id: String
  private let folder: JobFolder
  private let log: String
  private let cluster: any Cluster
  private let watch: ClusterWatch
  private let store: Store
  private let pace: ClusterPace
  private let stop: Cancellation
  private let report: NodeReport.Receiver

  private var messages: WorkerMessages
  /// How much of the worker's words was read.
  private var offset = 0
  /// Since when the worker says that it is done, and the scheduler that the job is over.
  private var doneSince: Double?
  private var overSince: Double?
  private var unclearSince: Double?
  /// The answers of the scheduler when it first did not name the job, though it could.
  private var absentSince: Int?
  private var sent = Cancellation.Level.none
  private var state: JobState?
  /// Whether the job has ended or is being ended, for all that is known.
  private(set) var isOver = true

  init(
    job: ActionJob, id: String, folder: JobFolder, log: String, cluster: any Cluster, watch: ClusterWatch, store: Store,
    pace: ClusterPace, stop: Cancellation, report: @escaping NodeReport.Receiver
  ) {
    self.job = job
    self.id = id
    self.folder = folder
    self.log = log
    self.cluster = cluster
    self.watch = watch
    self.store = store
    self.pace = pace
    self.stop = stop
    self.report = report
    messages = WorkerMessages(report: report)
  }

  mutating func follow() -> ActionOutcome {
    while true {
      readMessages()
      if let outcome = outcomeByWorker() ?? outcomeByScheduler() ?? outcomeByRequest() {
        return outcome
      }
      pause(pace.look)
    }
  }

  private func outcome(_ result: Result<StoredResult, ActionFailure>, differs: Bool = false) -> ActionOutcome {
    ActionOutcome(result: result, differs: differs, peakMemory: messages.peakMemory)
  }

  // MARK: The worker

  /// Takes what was added to the worker's words.
  ///
  /// The file is opened anew each time: only then do network file systems show what others wrote.
  private mutating func readMessages() {
    let file = open(folder.messages, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = pread(file, &chunk, chunk.count, off_t(offset))
      guard got > 0 else { return }
      offset += got
      messages.take(chunk[..<got])
    }
  }

  private mutating func outcomeByWorker() -> ActionOutcome? {
    switch messages.last {
    case .done(let differs)?:
      let result = store.made(job)
      if case .success = result { return outcome(result, differs: differs) }
      // Its words may be seen before its files.
      doneSince = doneSince ?? steadyClock()
      return steadyClock() - (doneSince ?? 0) > pace.grace ? outcome(result) : nil
    case .failed(let problems)?: return outcome(.failure(.failed(problems)))
    case .lost(let blob, let damage)?: return outcome(.failure(.lost(blob, damage)))
    // Without a wish from here it is the cluster's, which starts the job again.
    case .interrupted? where stop.isRequested: return outcome(.failure(.interrupted))
    default:
      doneSince = nil
      return nil
    }
  }

  // MARK: The scheduler

  private mutating func outcomeByScheduler() -> ActionOutcome? {
    let view = watch.view(of: id)
    if let silence = view.silence {
      guard steadyClock() - silence.since > pace.patience else { return nil }
      isOver = false
      return outcome(.failure(.failed(silence.error.diagnostics)))
    }
    guard view.answers > 0 else { return nil }
    switch view.state {
    case .waiting?, .running?:
      if state == .running, view.state == .waiting {
        report(.log("\(cluster.name) starts job \(id) again"))
      }
      (overSince, unclearSince, absentSince, state) = (nil, nil, nil, view.state)
      return nil
    case .unclear(let words)?:
      unclearSince = unclearSince ?? steadyClock()
      guard steadyClock() - (unclearSince ?? 0) > pace.patience else { return nil }
      isOver = false
      return over(words)
    case .over(let words)?: return over(words)
    case nil:
      // One answer without it proves nothing: schedulers have moments at which a job stands nowhere.
      absentSince = absentSince ?? view.answers
      return view.answers > (absentSince ?? 0) ? over("") : nil
    }
  }

  /// The job is over: its result counts, and nothing else does.
  private mutating func over(_ words: String) -> ActionOutcome? {
    if stop.isRequested { return outcome(.failure(.interrupted)) }
    overSince = overSince ?? steadyClock()
    // Of a job that replaces a result, one says nothing that stands there.
    if !job.isForced, case .found(let result)? = try? store.result(for: job.key) { return outcome(.success(result)) }
    guard steadyClock() - (overSince ?? 0) > pace.grace else { return nil }
    let error = ClusterError.noResult(
      node: job.node, cluster: cluster.name, job: id, state: words, explanation: cluster.explain(id), log: log)
    return outcome(.failure(.failed(error.diagnostics)))
  }

  // MARK: The user

  /// Passes a wish to stop on: a job that runs has the time to save, one that waits has nothing to save.
  private mutating func outcomeByRequest() -> ActionOutcome? {
    let wanted = stop.level
    guard wanted > sent else { return nil }
    sent = wanted
    let isGentle = wanted == .gentle && (state == .running || messages.isAnswered)
    do throws(ClusterError) { try watch.stop([id], gently: isGentle) } catch {
      report(.warning(error.diagnostics[0]))
    }
    return isGentle ? nil : outcome(.failure(.interrupted))
  }
}
