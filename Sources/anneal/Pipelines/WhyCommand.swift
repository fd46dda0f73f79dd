import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal why`: which field, file or upstream output makes a node run.
struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Names the field, file or upstream output that makes a node run again.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace

  @Argument(help: "The node.")
  var node: String

  @Argument(help: "Changes of keys of a LLaMA-Factory file, as key=value.")
  var settings: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let resolved = try pipeline.load(workplace, settings: settings)
      guard let found = resolved.node(node) else {
        throw UnknownTarget(target: node, nodes: resolved.nodes.map(\.name))
      }
      let plan = try Planner(store: workplace.openedStore).plan(resolved, targets: [node])
      guard let planned = plan.nodes.first(where: { $0.name == node }) else { return }
      let previous = try workplace.history.lastPreimage(
        pipeline: resolved.name, node: node, type: found.type.name)
      var reasons: [String] = []
      let verdict: String
      switch planned.decision {
      case .cached, .fetch:
        verdict =
          "`\(node)` does not run: its result is in the store"
          + (planned.freshness.map { ", \($0.words)" } ?? "")
      case .runUnlessUnchanged(let upstream, let hasPast):
        let names = upstream.map { "`\($0)`" }.joined(separator: ", ")
        verdict =
          hasPast
          ? "`\(node)` runs unless \(names) comes out as before" : "`\(node)` runs: \(RunReason.noResult.words)"
        reasons = upstream.map { "`\($0)` runs first; ask `anneal why \(pipeline.file) \($0)`" }
        if let previous { reasons = ownDifferences(found, previous.preimage) + reasons }
      case .runOnceKnown(let reason, let upstream):
        verdict = "`\(node)` runs: \(reason.words)"
        reasons = upstream.map { "`\($0)` runs first; ask `anneal why \(pipeline.file) \($0)`" }
      case .run(let reason, let preimage):
        verdict = "`\(node)` runs: \(reason.words)"
        if let previous {
          reasons = preimage.difference(from: previous.preimage).map(\.sentence)
          if reasons.isEmpty, !reason.repeats {
            reasons = ["Nothing changed since run \(previous.run); the store no longer has the result"]
          }
        } else {
          reasons = ["No earlier run of a node like it is known here"]
        }
      }
      if json {
        let object: JSON = [
          "node": JSON(node), "verdict": JSON(verdict), "reasons": .array(reasons.map { JSON($0) }),
          "compared_with": previous.map { JSON($0.run) } ?? .null,
        ]
        Terminal.put(object.text(.pretty))
      } else {
        Terminal.put(([verdict] + reasons.map { "  " + $0 }).joined(separator: "\n"))
      }
    }
  }

  /// What changed in the node itself, while its inputs are not known yet.
  private func ownDifferences(_ node: ResolvedNode, _ previous: KeyPreimage) -> [String] {
    node.planPreimage.difference(from: previous).compactMap { difference in
      switch difference {
      case .input, .other: nil
      default: difference.sentence
      }
    }
  }
}
