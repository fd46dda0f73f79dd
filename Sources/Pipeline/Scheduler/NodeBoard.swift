/// Where every node of a run stands, and what follows from it without looking at all of them again.
struct NodeBoard {
  /// Where a node stands.
  enum Phase {
    /// For its inputs, or for another node that does the same work.
    case waiting
    case ready(RunReason, KeyPreimage)
    case running(Running)
    case ended

    /// The action that the node is about to perform.
    var action: KeyPreimage? {
      switch self {
      case .waiting, .ended: nil
      case .ready(_, let preimage): preimage
      case .running(let running): running.preimage
      }
    }
  }

  struct Running {
    var preimage: KeyPreimage
    var stop: Cancellation
    var started: Double
    var deadline: Double?
    /// When it was first asked to stop.
    var asked: Double?
    var isTimedOut = false
    /// Whether it runs in a thread of this process rather than in a worker.
    var isInProcess: Bool
    var isHeavy: Bool
    var memory: Int
    /// Whether it takes no cores and memory of this machine.
    var isElsewhere: Bool
  }

  private var phases: [String: Phase]
  /// The nodes in topological order, and where each stands in it.
  private let names: [String]
  private let positions: [String: Int]
  /// Waiting nodes about which something may have changed since they were last decided about.
  private var undecided = Heap<Int>()
  private var isUndecided: Set<Int> = []
  /// Actions that some node is about to perform, and the nodes that wait to see its result.
  private var claimed: [Digest: [String]] = [:]
  private(set) var running: [String: Running] = [:]

  /// All nodes wait and are undecided.
  init(_ names: [String]) {
    self.names = names
    phases = Dictionary(names.map { ($0, .waiting) }, uniquingKeysWith: { first, _ in first })
    positions = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    for name in names { reconsider(name) }
  }

  subscript(node: String) -> Phase? { phases[node] }

  mutating func move(_ node: String, to phase: Phase) {
    guard let old = phases.updateValue(phase, forKey: node) else { return }
    if case .running(let attempt) = phase { running[node] = attempt } else { running[node] = nil }
    if let action = phase.action, claimed[action.key] == nil { claimed[action.key] = [] }
    if let action = old.action, action.key != phase.action?.key {
      for other in claimed.removeValue(forKey: action.key) ?? [] { reconsider(other) }
    }
    if case .waiting = phase { reconsider(node) }
  }

  /// Has a node decided about (again), if it waits.
  mutating func reconsider(_ node: String) {
    guard let position = positions[node], isUndecided.insert(position).inserted else { return }
    undecided.insert(position)
  }

  /// The first node in topological order that waits and has to be decided about.
  mutating func nextUndecided() -> String? {
    while let position = undecided.popMin() {
      isUndecided.remove(position)
      if case .waiting = phases[names[position]] { return names[position] }
    }
    return nil
  }

  /// Whether another node is about to perform an action; then `node` is reconsidered when that one is done with it.
  mutating func awaits(_ key: Digest, for node: String) -> Bool {
    guard claimed[key] != nil else { return false }
    claimed[key]?.append(node)
    return true
  }
}
