/// What past runs say a node will take.
package struct Expectation: Sendable, Hashable {
  package enum Basis: String, Sendable {
    /// The very same work was done before.
    case sameWork = "same_work"
    /// The node of this name did work of the same type in the last run of this pipeline.
    case sameNode = "same_node"
  }

  package var seconds: Double
  /// Bytes; nil when it was not measured.
  package var peakMemory: Int?
  package var basis: Basis

  package init(seconds: Double, peakMemory: Int?, basis: Basis) {
    self.seconds = seconds
    self.peakMemory = peakMemory
    self.basis = basis
  }
}

/// Knows what past runs of nodes took, by the nodes' names; nodes without such a run are left out.
package typealias Expectations = @Sendable (_ pipeline: String, _ nodes: [ResolvedNode]) -> [String: Expectation]
