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

/// The plan index: from plan keys, known before anything runs, to action keys. It is advice for estimates and for
/// `plan`; nothing is ever taken from the store without its action key.
extension Store {
  package func planEntry(for planKey: Digest) -> PlanEntry? {
    guard let bytes = try? files.read(planPlace(planKey), limit: 1 << 20) else { return nil }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    // A damaged entry is no advice.
    guard lines.count == 2, Digest(of: Array(lines[0])).hex.utf8.elementsEqual(lines[1]),
      let json = try? JSON(parsing: Array(lines[0]), file: "plan"),
      let key = json["action"]?.string.flatMap(Digest.init(hex:)), let outputs = json["outputs"]?.object
    else { return nil }
    var digests: [String: Digest] = [:]
    for (port, digest) in outputs.members { digests[port] = digest.string.flatMap(Digest.init(hex:)) }
    return PlanEntry(actionKey: key, outputs: digests)
  }

  /// Notes where a plan key led.
  ///
  /// A store that cannot be written stays as it is.
  func setPlanEntry(_ entry: PlanEntry, for planKey: Digest) {
    guard planEntry(for: planKey) != entry else { return }
    let outputs = entry.outputs.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value.hex)) }
    let text = (["action": JSON(entry.actionKey.hex), "outputs": JSON(outputs)] as JSON).text()
    let place = planPlace(planKey)
    do {
      try makeFolder(above: place)
      let bytes = Array("\(text)\n\(Digest(of: Array(text.utf8)).hex)\n".utf8)
      try files.replace(place, bytes, temporary: try temporaryPath())
    } catch {
      return
    }
  }
}
