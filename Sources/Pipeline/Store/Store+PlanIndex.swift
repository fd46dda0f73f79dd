import PreciseJSON

/// What the plan index says about a plan key: where it led the last time.
package struct PlanEntry: Sendable, Hashable {
  package var actionKey: Digest
  /// Digests of the output artefacts by port.
  package var outputs: [String: Digest]

  package init(actionKey: Digest, outputs: [String: Digest]) {
    self.actionKey = actionKey
    self.outputs = outputs
  }
}

/// The plan index: from plan keys, known before anything runs, to action keys; and from work keys to the last action
/// that did this work. It is advice for estimates and for `plan`; nothing is ever taken from the store without its
/// action key.
extension Store {
  package func planEntry(for planKey: Digest) -> PlanEntry? {
    guard let json = advice(about: planKey, at: planPlace(planKey)),
      let key = json["action"]?.string.flatMap(Digest.init(hex:)),
      let outputs = json["outputs"]?.object
    else { return nil }
    var digests: [String: Digest] = [:]
    for (port, digest) in outputs.members { digests[port] = digest.string.flatMap(Digest.init(hex:)) }
    return PlanEntry(actionKey: key, outputs: digests)
  }

  /// Notes where a node's plan key led, and that its work has been done.
  ///
  /// Cost where nothing is new: one small file read.
  func setPlanEntry(_ entry: PlanEntry, for node: ResolvedNode) {
    guard planEntry(for: node.planKey) != entry else { return }
    setPlanEntry(entry, at: node.planKey)
    if !node.inputs.isEmpty { setPlanEntry(entry, at: node.workKey) }
  }

  private func setPlanEntry(_ entry: PlanEntry, at key: Digest) {
    let outputs = entry.outputs.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value.hex)) }
    setAdvice(["action": JSON(entry.actionKey.hex), "outputs": JSON(outputs)], about: key, at: planPlace(key))
  }
}
