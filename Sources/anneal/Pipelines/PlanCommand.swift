import ArgumentParser
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

/// `anneal plan`: what a run would do, and why, without doing it.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Says what a run would do and what it is expected to take.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace

  @OptionGroup var caches: CacheArguments

  @Argument(help: "Nodes to plan for; all outputs when none is named. Behind LLaMA-Factory's files also key=value.")
  var targets: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let (resolved, targets) = try pipeline.load(workplace, words: targets)
      let history = workplace.history
      let remotes = try caches.remotes(resolved, workplace)
      let plan = try Planner(store: workplace.openedStore, remotes: remotes).plan(resolved, targets: targets) {
        history.expectations(pipeline: $0, nodes: $1)
      }
      remotes.reportTroubles()
      if json {
        Terminal.put(PlanCommand.json(plan).text(.pretty))
      } else {
        Terminal.put(PlanCommand.text(plan))
      }
    }
  }

  private static func state(_ node: Plan.Node) -> (name: String, words: String) {
    if let other = node.sameWorkAs { return ("same_work", "same work as `\(other)`") }
    switch node.decision {
    case .cached: return ("cached", "cached" + (node.freshness.map { ": \($0.words)" } ?? ""))
    case .fetch(let result):
      return ("fetch", "in cache `\(result.cache)`, \(byteCount(result.missingBytes)) to fetch")
    case .run(let reason, _), .runOnceKnown(let reason, _): return ("run", "will run: \(reason.words)")
    case .runUnlessUnchanged(_, hasPast: false): return ("run", "will run: \(RunReason.noResult.words)")
    case .runUnlessUnchanged(let upstream, hasPast: true):
      let names = upstream.map { "`\($0)`" }.joined(separator: ", ")
      return ("may_run", "will run unless \(names) comes out as before")
    }
  }

  private static func text(_ plan: Plan) -> String {
    let width = plan.nodes.map(\.name.count).max() ?? 0
    let indent = String(repeating: " ", count: width + 2)
    var lines = plan.nodes.flatMap { node in
      let name = node.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let expected = node.expectation.map { "  (\(duration($0.seconds)) last time\(memory($0)))" } ?? ""
      return ["\(name)  \(state(node).words)\(expected)"] + (node.forecast.map { words($0).map { indent + $0 } } ?? [])
    }
    let (seconds, unknown) = plan.expectedSeconds
    var total = "\(plan.willRun.count) to run, \(plan.mayRun.count) perhaps, \(plan.cached.count) cached"
    if !plan.fetched.isEmpty {
      total += ", \(byteCount(plan.fetched.reduce(0) { $0 + $1.missingBytes })) of \(plan.fetched.count) to fetch"
    }
    if !plan.willRun.isEmpty || !plan.mayRun.isEmpty {
      total += seconds > 0 ? "; about \(duration(seconds)) by past runs" : "; no past run says how long"
      if seconds > 0, unknown > 0 { total += ", \(unknown) of unknown length" }
    }
    lines += ["", total]
    return lines.joined(separator: "\n")
  }

  /// Lines about memory that arithmetic foresees.
  private static func words(_ forecast: Forecast) -> [String] {
    let parts = forecast.parts.map { "\($0.name) \(byteCount($0.memory))" }.joined(separator: ", ")
    let others = forecast.alternatives.map { "\(byteCount($0.memory)) with `\($0.setting)`" }.joined(separator: ", ")
    return ["memory up to about \(byteCount(forecast.memory)): \(parts)"] + (others.isEmpty ? [] : [others])
  }

  private static func memory(_ expectation: Expectation) -> String {
    expectation.peakMemory.map { ", " + byteCount($0) } ?? ""
  }

  private static func json(_ plan: Plan) -> JSON {
    let nodes = plan.nodes.map { node -> JSON in
      [
        "name": JSON(node.name), "type": JSON(node.type), "state": JSON(state(node).name),
        "reason": JSON(state(node).words), "plan_key": JSON(node.planKey.hex),
        "key": node.actionKey.map { JSON($0.hex) } ?? .null,
        "expected_seconds": node.expectation.map { JSON($0.seconds) } ?? .null,
        "expected_memory": node.expectation?.peakMemory.map { JSON($0) } ?? .null,
        "forecast": node.forecast.map(json) ?? .null,
      ]
    }
    return ["pipeline": JSON(plan.pipeline), "nodes": .array(nodes)]
  }

  private static func json(_ forecast: Forecast) -> JSON {
    [
      "memory": JSON(forecast.memory), "parts": JSON(forecast.parts.map { (key: $0.name, value: JSON($0.memory)) }),
      "alternatives": JSON(forecast.alternatives.map { (key: $0.setting, value: JSON($0.memory)) }),
    ]
  }
}
