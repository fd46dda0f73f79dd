import Diagnostics
import PreciseJSON

/// How a node fared in a run.
package enum NodeState: String, Sendable, CaseIterable {
  case ran
  case cached
  /// It is being made; in records of runs that go on.
  case running
  case failed
  /// Something it is made from failed.
  case blocked
  /// It was stopped on request, and goes on from its last checkpoint the next time.
  case interrupted
  /// The run ended before its turn came.
  case notStarted = "not_started"
  /// Nothing wanted is made from it.
  case notNeeded = "not_needed"
}

/// What a run did with one node.
package struct NodeRecord: Sendable {
  package var name: String
  package var type: String
  package var state: NodeState
  package var planKey: Digest
  package var key: Digest?
  package var preimage: KeyPreimage?
  package var reason: RunReason?
  /// Which node of a matrix it is.
  package var member: MatrixMember?
  /// Another node of the run that did the very same work.
  package var sameWorkAs: String?
  /// Seconds from its first start to its end.
  package var seconds: Double?
  /// Bytes.
  package var peakMemory: Int?
  /// Whose memory that is.
  package var measuredProcess: MeasuredProcess?
  package var attempts = 0
  package var result: StoredResult?
  /// What went wrong; also warnings.
  package var problems: [Diagnostic] = []
  /// Why remote caches that take results do not have this one.
  package var notShared: [String] = []
  /// The nodes whose failure blocks it.
  package var blockedBy: [String] = []
}

/// The process whose memory stands in a node's record.
package enum MeasuredProcess: String, Sendable {
  /// The node's own worker.
  case worker
  /// The process of the run, in which light nodes do their work beside each other: the node took no more than that.
  case run
}

/// What a run came to.
package struct RunSummary: Sendable {
  package enum State: String, Sendable {
    case running
    case done
    case failed
    case interrupted
  }

  package var id: String
  package var pipeline: String
  package var state: State
  package var seconds: Double
  /// In the pipeline's order.
  package let nodes: [NodeRecord]
  private let positions: [String: Int]

  init(id: String, pipeline: String, state: State, seconds: Double, nodes: [NodeRecord]) {
    self.id = id
    self.pipeline = pipeline
    self.state = state
    self.seconds = seconds
    self.nodes = nodes
    positions = Dictionary(nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  package subscript(node: String) -> NodeRecord? { positions[node].map { nodes[$0] } }

  package func names(_ state: NodeState) -> [String] { nodes.filter { $0.state == state }.map(\.name) }

  /// The exit code of the command line's contract.
  package var exitCode: Int32 {
    switch state {
    case .done: 0
    case .failed, .running: 1
    case .interrupted: 75
    }
  }
}
