import Foundation
import Pipeline
import TestKit
import Testing

/// The theorem.
///
/// Toy nodes are deterministic. For a store and a pipeline, let C be the nodes that `plan` calls cached, R those it
/// says will run, and U those it says run unless their inputs come out unchanged. Then for the run that follows:
///
/// 1. every node of R is executed, and no node of C is;
/// 2. a node of U is executed if and only if nothing with its action key (made of what its inputs turned out to be) was
///    ever executed before, neither in an earlier run nor under another name in this one;
/// 3. nothing else is executed, and a plan made right afterwards has empty R and U.
///
/// Part 2 is checked against a model that knows nothing of the store: it computes the texts by itself and remembers
/// which work it has seen.
@Suite struct PlanExactnessTests {
  @Test(arguments: [UInt64(1), 2, 3, 4, 5])
  func planPredictsWhatRunExecutes(seed: UInt64) throws {
    let workspace = try ToyWorkspace()
    var random = SplitMix(state: seed)
    var graph = ToyGraph(&random)
    var seen: Set<String> = []
    var executions = 0
    var conditional = 0
    var spared = 0
    for step in 0..<110 {
      for (file, content) in graph.files { try workspace.folder.write(content, to: "\(file).txt") }
      let text = graph.text(&random)
      let store = workspace.reopened()
      let pipeline = try workspace.pipeline(text, store: store)
      let plan = try Planner(store: store).plan(pipeline)
      _ = try workspace.executed()
      let summary = try workspace.run(text, store: store)
      try #require(summary.state == .done, "step \(step) of seed \(seed):\n\(text)")
      let executed = try workspace.executed()
      let context = Comment(rawValue: "step \(step) of seed \(seed):\n\(text)")

      var expected: Set<String> = []
      var works = graph.works()
      // Of several nodes with the same work any one may be the one that does it.
      works = works.filter { name, _ in pipeline.node(name) != nil }
      let new = Set(works.values).subtracting(seen)
      for name in executed { if let work = works[name] { expected.insert(work) } }
      #expect(expected == new, context)
      #expect(executed.count == new.count, context)
      seen.formUnion(new)

      let ran = Set(executed)
      let planned = Set(plan.willRun.map(\.name))
      let mayRun = Set(plan.mayRun.map(\.name))
      let plannedWork = Set(planned.compactMap { works[$0] })
      #expect(plannedWork.isSubset(of: new), context)
      #expect(ran.isDisjoint(with: plan.cached.map(\.name)), context)
      for name in ran {
        #expect(
          planned.contains(name) || mayRun.contains(name)
            || plan.nodes.contains { $0.sameWorkAs != nil && $0.name == name }, context)
      }
      for name in mayRun {
        guard let work = works[name] else { continue }
        #expect(new.contains(work) == executed.contains { works[$0] == work }, context)
      }
      for node in summary.nodes {
        if let value = graph.value(node.name), let artefact = node.result?.outputs["text"] {
          #expect(try ArtefactView(artefact, in: store).text() == value, context)
        }
      }
      let after = try Planner(store: workspace.reopened()).plan(pipeline)
      #expect(after.willRun.isEmpty && after.mayRun.isEmpty, context)
      executions += executed.count
      conditional += mayRun.count
      spared += mayRun.subtracting(ran).count
      graph.edit(&random)
    }
    // The test means something only when all three sets occur.
    #expect(executions > 70 && conditional > 30 && spared > 3, "\(executions), \(conditional), \(spared)")
  }
}

/// A small random number generator, so that a failure can be repeated (SplitMix64; Steele and others, 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A random graph of toy nodes with a model of what they compute.
struct ToyGraph {
  enum Work {
    case text(String)
    case file(String)
    case join([Int], separator: String)
    case head(Int, letters: Int)
  }

  struct Node {
    var id: Int
    var name: String
    var work: Work
    var label = 0
  }

  var nodes: [Node] = []
  var files: [String: String] = ["f0": "alpha\nbeta\n", "f1": "# nothing\ngamma\n"]
  private var nextID = 0

  init(_ random: inout SplitMix) {
    for _ in 0..<Int.random(in: 9...14, using: &random) { add(&random) }
  }

  private func randomWork(_ random: inout SplitMix, among ids: [Int]) -> Work {
    switch Int.random(in: 0..<10, using: &random) {
    case 0...1: return .text("t\(Int.random(in: 0..<40, using: &random))")
    case 2...3: return .file(files.keys.sorted().randomElement(using: &random) ?? "f0")
    case 4...6:
      guard !ids.isEmpty else { return .text("x") }
      let count = Int.random(in: 1...3, using: &random)
      let parts = (0..<count).compactMap { _ in ids.randomElement(using: &random) }
      return .join(parts, separator: ["-", "+"].randomElement(using: &random) ?? "-")
    default:
      guard let of = ids.randomElement(using: &random) else { return .text("yy") }
      return .head(of, letters: Int.random(in: 1...6, using: &random))
    }
  }

  private mutating func add(_ random: inout SplitMix) {
    let work = randomWork(&random, among: nodes.map(\.id))
    nodes.append(Node(id: nextID, name: "n\(nextID)", work: work))
    nextID += 1
  }

  /// Changes one thing.
  mutating func edit(_ random: inout SplitMix) {
    let index = Int.random(in: 0..<nodes.count, using: &random)
    let before = nodes[..<index].map(\.id)
    switch Int.random(in: 0..<12, using: &random) {
    case 0: add(&random)
    case 1: remove(index)
    case 2, 3: nodes[index].work = randomWork(&random, among: before)
    case 4, 5: changeField(index, &random)
    case 6, 7, 8:
      let file = files.keys.sorted().randomElement(using: &random) ?? "f0"
      let number = Int.random(in: 0..<50, using: &random)
      let lines = ["alpha", "beta\(number)", "# a", "# b\(number)", "gamma", "alphabet"].shuffled(using: &random)
      files[file] = lines.prefix(Int.random(in: 1...4, using: &random)).joined(separator: "\n") + "\n"
    case 9:
      nodes[index].name = "renamed\(Int.random(in: 0..<1000, using: &random))_\(nodes[index].id)"
    case 10: nodes[index].label += 1
    default: break  // Only order and comments, which differ each time.
    }
  }

  private mutating func remove(_ index: Int) {
    guard nodes.count > 8 else { return }
    let gone = nodes.remove(at: index).id
    for other in nodes.indices {
      switch nodes[other].work {
      case .join(let parts, let separator):
        let rest = parts.filter { $0 != gone }
        nodes[other].work = rest.isEmpty ? .text("left") : .join(rest, separator: separator)
      case .head(gone, _): nodes[other].work = .text("left")
      default: break
      }
    }
  }

  private mutating func changeField(_ index: Int, _ random: inout SplitMix) {
    switch nodes[index].work {
    case .text(let text): nodes[index].work = .text(text + "x")
    case .file: break
    case .join(let parts, let separator): nodes[index].work = .join(parts, separator: separator == "-" ? "+" : "-")
    case .head(let of, _): nodes[index].work = .head(of, letters: Int.random(in: 1...6, using: &random))
    }
  }

  // MARK: As a file

  /// The pipeline file, with its nodes and their fields in a random order and random comments.
  func text(_ random: inout SplitMix) -> String {
    let names = Dictionary(uniqueKeysWithValues: nodes.map { ($0.id, $0.name) })
    func name(_ id: Int) -> String { names[id] ?? "?" }
    var lines = ["pipeline: toy", "nodes:"]
    for node in nodes.shuffled(using: &random) {
      if Bool.random(using: &random) { lines.append("  # remark \(Int.random(in: 0..<99, using: &random))") }
      var fields = ["count_in: COUNT"]
      switch node.work {
      case .text(let text): fields += ["type: toy_text", "text: \(text)", "label: l\(node.label)"]
      case .file(let file): fields += ["type: toy_file", "from: DIR/\(file).txt"]
      case .join(let parts, let separator):
        fields += [
          "type: toy_join", "parts: [\(parts.map(name).joined(separator: ", "))]", "separator: '\(separator)'",
        ]
      case .head(let of, let letters): fields += ["type: toy_head", "of: \(name(of))", "letters: \(letters)"]
      }
      lines.append("  \(node.name): {\(fields.shuffled(using: &random).joined(separator: ", "))}")
    }
    lines.append("outputs: [\(nodes.map(\.name).shuffled(using: &random).joined(separator: ", "))]")
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: The model

  private func values() -> [Int: String] {
    var values: [Int: String] = [:]
    for node in nodes {
      switch node.work {
      case .text(let text): values[node.id] = text
      case .file(let file):
        let lines = (files[file] ?? "").split(separator: "\n").filter { !$0.hasPrefix("#") }
        values[node.id] = lines.joined(separator: "\n")
      case .join(let parts, let separator):
        values[node.id] = parts.map { values[$0] ?? "?" }.joined(separator: separator)
      case .head(let of, let letters): values[node.id] = String((values[of] ?? "?").prefix(letters))
      }
    }
    return values
  }

  /// What the node of this name computes.
  func value(_ name: String) -> String? { nodes.first { $0.name == name }.flatMap { values()[$0.id] } }

  /// What each node does, as a text: equal for equal work on equal inputs.
  func works() -> [String: String] {
    let values = values()
    var works: [String: String] = [:]
    for node in nodes {
      switch node.work {
      case .text(let text): works[node.name] = "text \(text)"
      case .file(let file): works[node.name] = "file \(files[file] ?? "")"
      case .join(let parts, let separator):
        works[node.name] = "join \(separator) \(parts.map { values[$0] ?? "?" })"
      case .head(let of, let letters): works[node.name] = "head \(letters) \(values[of] ?? "?")"
      }
    }
    return works
  }
}
