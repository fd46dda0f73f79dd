/// What a job asks for beside cores.
package struct JobDemand: Sendable, Hashable {
  /// Bytes; nil where nothing tells.
  package var memory: Int?
  /// Seconds; nil where nothing tells.
  package var seconds: Double?
  /// Whether the time is the user's limit, at which the node has failed, rather than a guess, after which it goes on.
  package var isLimit = false

  package init(memory: Int? = nil, seconds: Double? = nil, isLimit: Bool = false) {
    self.memory = memory
    self.seconds = seconds
    self.isLimit = isLimit
  }

  /// What a node's settings say, else what past runs took with some room, else what the arithmetic of its type says.
  ///
  /// - Parameter nodes: All that the node is made from, by name.
  init(_ node: ResolvedNode, past: Expectation?, among nodes: [String: ResolvedNode]) {
    func roomy(_ memory: Int) -> Int {
      let (sum, overflow) = memory.addingReportingOverflow(memory / 4 + (256 << 20))
      return overflow ? memory : sum
    }
    memory =
      node.settings.memory?.value ?? past?.peakMemory.map(roomy)
      ?? node.type.forecast(Ancestry(node, among: nodes)).map { roomy($0.memory) }
    isLimit = node.settings.timeout != nil
    seconds = node.settings.timeout?.value ?? past.map { max(4 * $0.seconds, 1800) }
  }
}
