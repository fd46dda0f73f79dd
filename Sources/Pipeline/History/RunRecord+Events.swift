import PreciseJSON

extension RunRecord {
  /// The record of a run that has not said how it ended, with what its events say of the nodes so far.
  ///
  /// - Parameter events: `events.jsonl`; a run that was killed may have left half a line.
  func folding(_ events: [UInt8]) throws -> RunRecord {
    var told: [(name: String, record: JSON)] = []
    func tell(_ name: String, _ record: JSON) {
      if let index = told.firstIndex(where: { $0.name == name }) {
        told[index].record = record
      } else {
        told.append((name, record))
      }
    }
    var needed: Set<String>?
    for line in events.split(separator: UInt8(ascii: "\n")) where Self.isOfNodes(line) {
      guard let event = try? JSON(parsing: Array(line), file: "events.jsonl") else { continue }
      switch (event["event"]?.string, event["node"]?.string) {
      case ("run_started", _): needed = Set((event["nodes"]?.array ?? []).compactMap(\.string))
      case ("node_started", let name?): tell(name, begun(name, event))
      case ("node_ended", let name?): if let record = event["record"] { tell(name, record) }
      default: continue
      }
    }
    let known = Set(told.map(\.name))
    let others = graph.filter { !known.contains($0.name) }.map { node -> (name: String, record: JSON) in
      let state: NodeState = needed?.contains(node.name) ?? true ? .notStarted : .notNeeded
      return (node.name, ["name": JSON(node.name), "type": JSON(node.type), "state": JSON(state.rawValue)])
    }
    let places = Dictionary(graph.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let all = (told + others).sorted { places[$0.name] ?? .max < places[$1.name] ?? .max }
    var object = json.object ?? JSONObject()
    object["nodes"] = .array(all.map(\.record))
    return try RunRecord(json: .object(object), folder: folder)
  }

  /// A node that has begun and not ended: by a run that was killed it was stopped.
  private func begun(_ name: String, _ event: JSON) -> JSON {
    var record = JSONObject([
      (key: "name", value: JSON(name)),
      (key: "state", value: JSON((isAbandoned ? NodeState.interrupted : .running).rawValue)),
    ])
    for key in ["type", "key", "reason"] { record[key] = event[key] }
    record["attempts"] = event["attempt"]
    return .object(record)
  }

  /// Whether a line may be an event that says where a node stands; those of progress are many, and need not be understood.
  private static func isOfNodes(_ line: ArraySlice<UInt8>) -> Bool {
    let head = line.prefix(80)
    return names.contains { head.firstRange(of: $0) != nil }
  }

  private static let names = ["\"run_started\"", "\"node_started\"", "\"node_ended\""].map { Array($0.utf8) }
}
