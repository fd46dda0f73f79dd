import Diagnostics
import Foundation

/// The loop of one run.
///
/// Touched by one thread only, except for its mailbox.
final class RunLoop {
  /// Where a node stands.
  enum Phase {
    /// For its inputs, or for another node that does the same work.
    case waiting
    case ready(RunReason, KeyPreimage)
    case running(Running)
    case ended
  }

  struct Running {
    var preimage: KeyPreimage
    var stop: Cancellation
    var started: Double
    var deadline: Double?
    var isTimedOut = false
    var isHeavy: Bool
    var memory: Int
  }

  enum Message: Sendable {
    case ended(node: String, Attempt.Ending)
    case wake
  }

  /// A lost input is made again at most this often in a run.
  static let healingLimit = 2

  let scheduler: Scheduler
  let pipeline: ResolvedPipeline
  let needed: [ResolvedNode]
  let id: String
  let options: RunOptions
  let cancellation: Cancellation
  let hub: EventHub
  let mailbox = Mailbox<Message>()
  let byName: [String: ResolvedNode]
  let expected: [String: Expectation]
  let priority: [String: Double]

  var phases: [String: Phase] = [:]
  var records: [String: NodeRecord] = [:]
  var healings: [String: Int] = [:]
  /// Which node performed an action in this run.
  var performers: [Digest: String] = [:]
  var hasFailure = false

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
    var expected: [String: Expectation] = [:]
    for node in needed { expected[node.name] = scheduler.expectations(pipeline.name, node) }
    self.expected = expected
    priority = Self.priorities(needed, expected)
    for node in pipeline.nodes {
      phases[node.name] = byName[node.name] == nil ? .ended : .waiting
      records[node.name] = NodeRecord(
        name: node.name, type: node.type.name, state: byName[node.name] == nil ? .notNeeded : .notStarted,
        planKey: node.planKey)
    }
  }

  /// Seconds from a node's start to the end of the longest way below it.
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

  var runningNodes: [(name: String, running: Running)] {
    phases.compactMap { name, phase in
      if case .running(let running) = phase { (name, running) } else { nil }
    }
  }

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
      let running = runningNodes
      if running.isEmpty { break }
      passOnRequests(running)
      if cancellation.level == .immediate {
        // Threads of light nodes cannot be killed; the process ends and they with it.
        givenUp = givenUp ?? steadyClock() + 5
        if let givenUp, steadyClock() > givenUp { break }
      }
      for message in mailbox.take(waiting: running.contains { $0.running.deadline != nil } ? 0.1 : 1) {
        if case .ended(let node, let ending) = message { ended(node, ending) }
      }
    }
    return summary(seconds: steadyClock() - start)
  }

  /// Tells running attempts to stop: the user's wish, and deadlines.
  private func passOnRequests(_ running: [(name: String, running: Running)]) {
    for (name, attempt) in running {
      if cancellation.isRequested { attempt.stop.raise(to: cancellation.level) }
      guard let deadline = attempt.deadline, steadyClock() > deadline else { continue }
      // Ten seconds to save what can be saved.
      attempt.stop.raise(to: steadyClock() > deadline + 10 ? .immediate : .gentle)
      var late = attempt
      late.isTimedOut = true
      phases[name] = .running(late)
    }
  }

  // MARK: The end

  private func summary(seconds: Double) -> RunSummary {
    for node in needed {
      guard var record = records[node.name] else { continue }
      if case .running = phases[node.name] {
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
    phases[record.name] = .ended
    if let result = record.result {
      scheduler.store.addRoot(id, key: result.key)
      scheduler.store.setPlanEntry(PlanEntry(actionKey: result.key, outputs: result.digests), for: record.planKey)
    }
    hub.emit(.nodeEnded(record))
  }
}
