import Pipeline
import PreciseJSON

/// What changed from one run to another, node by node: what decides it, what came out, and its numbers.
struct RunDifference {
  struct Node {
    enum Presence: String {
      case both
      case added
      case removed
    }

    var name: String
    var presence = Presence.both
    /// What changed in the node itself, as sentences.
    var reasons: [String] = []
    /// The nodes whose results come in otherwise than before.
    var upstream: [String] = []
    /// Whether every output has the same bytes; nil where one of the runs made none.
    var hasSameResult: Bool?
    var numbers: [Number] = []

    var isSame: Bool { presence == .both && reasons.isEmpty && upstream.isEmpty && hasSameResult != false }
  }

  /// A number of a node's metrics in both runs.
  struct Number {
    var name: String
    var old: Double?
    var new: Double?
  }

  let old: RunRecord
  let new: RunRecord
  /// In the order of the newer run, what only the older one has at the end.
  private(set) var nodes: [Node] = []
  /// What the runs found otherwise on their machines, as sentences.
  private(set) var environment: [String] = []

  /// - Throws: What keeps the store from being read.
  init(from old: RunRecord, to new: RunRecord, _ metrics: RunMetrics) throws {
    self.old = old
    self.new = new
    for node in new.nodes {
      guard let before = old.nodes.first(where: { $0.name == node.name }) else {
        nodes.append(Node(name: node.name, presence: .added, numbers: try Self.numbers(nil, node, metrics)))
        continue
      }
      nodes.append(try compare(before, node, metrics))
    }
    for node in old.nodes where !new.nodes.contains(where: { $0.name == node.name }) {
      nodes.append(Node(name: node.name, presence: .removed, numbers: try Self.numbers(node, nil, metrics)))
    }
    // Records of older versions say nothing of it.
    guard !old.environment.isEmpty, !new.environment.isEmpty else { return }
    let keys =
      old.environment.members.map(\.key) + new.environment.members.map(\.key).filter { old.environment[$0] == nil }
    for key in keys where old.environment[key] != new.environment[key] {
      let (before, after) = (old.environment[key].map(plain) ?? "unknown", new.environment[key].map(plain) ?? "unknown")
      environment.append("`\(key)` changed from \(before) to \(after)")
    }
  }

  private func compare(_ before: RunRecord.Node, _ node: RunRecord.Node, _ metrics: RunMetrics) throws -> Node {
    var found = Node(name: node.name)
    for difference in node.preimage.flatMap({ now in before.preimage.map { now.difference(from: $0) } }) ?? [] {
      switch difference {
      case .input(let port, let index, .some, .some):
        let binding = new.graph.first { $0.name == node.name }?.inputs.first { $0.port == port && $0.index == index }
        let name = binding?.node ?? port
        if !found.upstream.contains(name) { found.upstream.append(name) }
      case .source(let role, let index, let old?, let new?):
        found.reasons.append(
          "`\(path(role, index, of: node.name) ?? role)` has other content (\(old.short), now \(new.short))")
      default: found.reasons.append(difference.sentence)
      }
    }
    if !before.outputs.isEmpty, !node.outputs.isEmpty {
      found.hasSameResult = Self.digests(before) == Self.digests(node)
    }
    found.numbers = try Self.numbers(before, node, metrics)
    return found
  }

  private func path(_ role: String, _ index: Int, of node: String) -> String? {
    new.graph.first { $0.name == node }?.sources.first { $0.role == role && $0.index == index }?.path
  }

  private static func digests(_ node: RunRecord.Node) -> [String: Digest] {
    Dictionary(node.outputs.map { ($0.port, $0.manifest.digest) }) { first, _ in first }
  }

  private static func numbers(
    _ old: RunRecord.Node?, _ new: RunRecord.Node?, _ metrics: RunMetrics
  ) throws -> [Number] {
    let before = try old.map(metrics.numbers) ?? []
    let after = try new.map(metrics.numbers) ?? []
    let names = after.map(\.name) + before.map(\.name).filter { name in !after.contains { $0.name == name } }
    return names.map { name in
      Number(
        name: name, old: before.first { $0.name == name }?.value, new: after.first { $0.name == name }?.value)
    }
  }
}

extension RunDifference {
  var text: String {
    var blocks = [
      table([("A", old), ("B", new)].map { [$0, $1.id, "\($1.pipeline) (\($1.file))", Self.ending($1)] })
    ]
    let own = nodes.filter { !$0.reasons.isEmpty || $0.presence != .both }
    if !own.isEmpty { blocks.append((["changed"] + own.flatMap(Self.lines)).joined(separator: "\n")) }
    if !environment.isEmpty {
      blocks.append((["the machine or the program"] + environment.map { "  \($0)" }).joined(separator: "\n"))
    }
    let following = nodes.filter { $0.presence == .both && $0.reasons.isEmpty && !$0.isSame }
    if !following.isEmpty {
      blocks.append((["follows"] + following.map { "  \($0.name): \(Self.following($0))" }).joined(separator: "\n"))
    }
    let same = nodes.filter(\.isSame).map(\.name)
    if !same.isEmpty { blocks.append("the same: \(same.joined(separator: ", "))") }
    let numbers = nodes.flatMap { node in node.numbers.map { (title: "\(node.name).\($0.name)", number: $0) } }
    if !numbers.isEmpty {
      blocks.append(table([["", "A", "B", "B − A"]] + numbers.map { [$0.title] + Self.cells($0.number) }))
    }
    return blocks.joined(separator: "\n\n")
  }

  private static func ending(_ run: RunRecord) -> String {
    (run.isAbandoned ? "killed" : run.state.rawValue) + (run.seconds.map { ", " + duration($0) } ?? "")
  }

  private static func lines(_ node: Node) -> [String] {
    switch node.presence {
    case .added: ["  \(node.name): only in B"]
    case .removed: ["  \(node.name): only in A"]
    case .both:
      node.reasons.map { "  \(node.name): \($0)" }
        + (node.hasSameResult == true ? ["  \(node.name): its result is the same"] : [])
    }
  }

  private static func following(_ node: Node) -> String {
    guard !node.upstream.isEmpty else { return "another result from the same inputs: it is not deterministic" }
    let names = node.upstream.map { "`\($0)`" }.joined(separator: ", ")
    return "other input from \(names)" + (node.hasSameResult == true ? ", the same result" : "")
  }

  static func cells(_ number: Number) -> [String] {
    func word(_ value: Double?) -> String { value.map { EventWords.value($0, .plain) } ?? "" }
    guard let old = number.old, let new = number.new else { return [word(number.old), word(number.new), ""] }
    let change = new - old
    guard change != 0 else { return [word(old), word(new), "0"] }
    let share = old != 0 ? " (\(change > 0 ? "+" : "−")\(EventWords.value(abs(change / old), .percent)))" : ""
    return [word(old), word(new), (change > 0 ? "+" : "−") + EventWords.value(abs(change), .plain) + share]
  }

  var json: JSON {
    [
      "from": JSON(old.id), "to": JSON(new.id), "environment": .array(environment.map { JSON($0) }),
      "nodes": .array(
        nodes.map { node in
          [
            "name": JSON(node.name), "in": JSON(node.presence.rawValue),
            "changed": .array(node.reasons.map { JSON($0) }), "upstream": .array(node.upstream.map { JSON($0) }),
            "same_result": node.hasSameResult.map { JSON($0) } ?? .null,
            "metrics": JSON(
              node.numbers.map { number in
                (
                  key: number.name,
                  value: [
                    "from": number.old.map { JSON($0) } ?? .null, "to": number.new.map { JSON($0) } ?? .null,
                  ] as JSON
                )
              }),
          ]
        }),
    ]
  }
}
