import Diagnostics
import Foundation

/// The loop of one run.
///
/// Touched by one thread only, except for its mailbox.
final class RunLoop {
  enum Message: Sendable {
    case ended(node: String, Attempt.Ending)
    case wake
  }

  /// A lost input is made again at most this often in a run.
  static let healingLimit = 2
  /// Seconds between two looks for signals and deadlines.
  private static let pulse = 0.05

  let scheduler: Scheduler
  let pipeline: ResolvedPipeline
  let needed: [ResolvedNode]
  let id: String
  let options: RunOptions
  let cancellation: Cancellation
  let hub: EventHub
  let mailbox = Mailbox<Message>()
  /// The attempts that have not ended and cleaned up yet.
  let attempts = DispatchGroup()
  let byName: [String: ResolvedNode]
  /// The needed nodes that take an output of a node.
  let consumers: [String: [String]]
  /// What past runs say; asked when the first node has to run.
  private(set) lazy var expected = scheduler.expectations(pipeline.name, needed)
  /// Seconds from a node's start to the end of the longest way below it.
  private(set) lazy var priority = Self.priorities(needed, expected)

  var board: NodeBoard
  var ready = ReadyQueue()
  var records: [String: NodeRecord] = [:]
  var healings: [String: Int] = [:]
  /// Which node performed an action in this run.
  var performers: [Digest: String] = [:]
  /// Forced nodes whose results stood in the store before.
  var repeating: Set<String> = []
  var hasFailure = false
  /// Light nodes that did not look for the request to stop; their threads end with the process.
  private var abandoned: Set<String> = []
  /// Nodes that will need a worker process, unless they turn out to be cached.
  var awaitingWorker: Set<String>

  init(
    scheduler: Scheduler, pipeline: ResolvedPipeline, needed: [ResolvedNode], id: String, options: RunOptions,
    cancellation: Cancellation
  ) {
    self.scheduler = scheduler
    self.pipeline = pipeline
    self.needed = needed
    self.id = id
    self.options = options
    self.cancellation = cancellation
    hub = EventHub(scheduler.sinks)
    byName = Dictionary(needed.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var consumers: [String: [String]] = [:]
    for node in needed { for name in Set(node.inputs.map(\.node)) { consumers[name, default: []].append(node.name) } }
    self.consumers = consumers
    board = NodeBoard(needed.map(\.name))
    awaitingWorker = Set(needed.filter { $0.execution != .inProcess }.map(\.name))
    for node in pipeline.nodes {
      var record = NodeRecord(
        name: node.name, type: node.type.name, state: byName[node.name] == nil ? .notNeeded : .notStarted,
        planKey: node.planKey)
      record.member = node.member
      records[node.name] = record
    }
  }

  private static func priorities(_ nodes: [ResolvedNode], _ expected: [String: Expectation]) -> [String: Double] {
    var priority: [String: Double] = [:]
    var below: [String: Double] = [:]
    for node in nodes.reversed() {
      let own = (expected[node.name]?.seconds ?? 1) + (below[node.name] ?? 0)
      priority[node.name] = own
      for binding in node.inputs { below[binding.node] = max(below[binding.node] ?? 0, own) }
    }
    return priority
  }

  var isStopping: Bool { cancellation.isRequested || (hasFailure && !options.keepGoing) }

  func run() -> RunSummary {
    let start = steadyClock()
    hub.emit(.started(run: id, pipeline: pipeline.name, nodes: needed.map(\.name)))
    cancellation.onRequest { [mailbox, hub] level in
      hub.emit(.stopping(level))
      mailbox.put(.wake)
    }
    var givenUp: Double?
    while true {
      if !isStopping {
        settle()
        startWhatFits()
      }
      let running = board.running
      if running.isEmpty { break }
      passOnRequests(running)
      if cancellation.level == .immediate {
        givenUp = givenUp ?? steadyClock() + 5
        if let givenUp, steadyClock() > givenUp { break }
      }
      for message in mailbox.take(waiting: Self.pulse) {
        if case .ended(let node, let ending) = message { ended(node, ending) }
      }
    }
    let summary = summary(seconds: steadyClock() - start)
    scheduler.heavy.dismiss()
    if givenUp == nil, abandoned.isEmpty { attempts.wait() }
    return summary
  }

  /// Tells running attempts to stop: the user's wish, and deadlines.
  ///
  /// A worker that was told so in vain is killed after its deadline. The thread of a light node cannot be killed: the run
  /// goes on without it.
  private func passOnRequests(_ running: [String: NodeBoard.Running]) {
    let now = steadyClock()
    for (name, attempt) in running {
      if cancellation.isRequested { attempt.stop.raise(to: cancellation.level) }
      let isLate = attempt.deadline.map { now > $0 } ?? false
      if isLate { attempt.stop.raise(to: .gentle) }
      guard attempt.stop.isRequested else { continue }
      var asked = attempt
      asked.asked = attempt.asked ?? now
      asked.isTimedOut = attempt.isTimedOut || isLate
      board.move(name, to: .running(asked))
      guard now > (asked.asked ?? now) + options.patience else { continue }
      if !attempt.isInProcess {
        if isLate { attempt.stop.raise(to: .immediate) }
      } else if asked.isTimedOut {
        abandoned.insert(name)
        fail(name, [Self.timedOut(name, byName[name])])
      } else {
        abandoned.insert(name)
        finish(name, .interrupted, nil)
      }
    }
  }

  // MARK: The end

  private func summary(seconds: Double) -> RunSummary {
    for node in needed {
      guard var record = records[node.name] else { continue }
      if case .running = board[node.name] {
        record.state = .interrupted
        end(record)
      } else if record.state == .notStarted {
        let guilty = node.inputs.flatMap { binding -> [String] in
          guard let upstream = records[binding.node] else { return [] }
          return upstream.state == .failed ? [binding.node] : upstream.blockedBy
        }
        record.blockedBy = Set(guilty).sorted()
        if !guilty.isEmpty { record.state = .blocked }
        end(record)
      }
    }
    let list = pipeline.nodes.compactMap { records[$0.name] }
    let isInterrupted = list.contains { $0.state == .interrupted } || (cancellation.isRequested && !allDone(list))
    let state: RunSummary.State =
      list.contains { $0.state == .failed } ? .failed : isInterrupted ? .interrupted : .done
    let summary = RunSummary(id: id, pipeline: pipeline.name, state: state, seconds: seconds, nodes: list)
    hub.emit(.ended(summary))
    return summary
  }

  private func allDone(_ records: [NodeRecord]) -> Bool {
    records.allSatisfy { [.ran, .cached, .notNeeded].contains($0.state) }
  }

  func end(_ record: NodeRecord) {
    records[record.name] = record
    board.move(record.name, to: .ended)
    awaitingWorker.remove(record.name)
    if let result = record.result, let node = byName[record.name] {
      scheduler.store.addRoot(id, key: result.key)
      scheduler.store.setPlanEntry(PlanEntry(actionKey: result.key, outputs: result.digests), for: node)
      for consumer in consumers[record.name] ?? [] { board.reconsider(consumer) }
    }
    hub.emit(.nodeEnded(record))
  }
}
