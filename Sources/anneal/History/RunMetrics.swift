import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON

/// The numbers that the nodes of a run told, as the store has them.
struct RunMetrics {
  private let store: Store

  init(_ store: Store) { self.store = store }

  /// The result of a node; nil where it made none, or where the store does not have it any more.
  func result(_ node: RunRecord.Node) throws -> StoredResult? {
    guard let key = node.key, case .found(let result) = try store.result(for: key) else { return nil }
    return result
  }

  /// A warning about results of runs that the store does not have any more; nothing where it has them all.
  func lost(_ runs: RunRecord...) throws -> [Diagnostic] {
    try runs.compactMap { run in
      var names: [String] = []
      var isDamaged = false
      for node in run.nodes where !node.outputs.isEmpty {
        guard let key = node.key else { continue }
        switch try store.result(for: key) {
        case .found: continue
        case .dead: isDamaged = true
        case .none: break
        }
        names.append("`\(node.name)`")
      }
      guard !names.isEmpty else { return nil }
      // The record's own copy of the pipeline holds all changes of the command line.
      let again = "`anneal run .anneal/runs/\(run.id)/pipeline.yaml` makes them again"
      return Diagnostic(
        .warning, code: "result-gone",
        "The store does not have the results of \(names.joined(separator: ", ")) of run \(run.id)",
        reason: isDamaged
          ? "files of them are missing or damaged"
          : "garbage collection took them, or the run used another store than `\(store.path)`",
        advice: isDamaged
          ? "\(again); `anneal cache verify` names what is damaged" : "name its store by `--store`; or \(again)")
    }
  }

  /// What a node's metrics tell, in the order in which they stand there; nothing where it has none.
  func details(_ node: RunRecord.Node) throws -> [(name: String, value: JSON)] {
    try artefacts(node).flatMap { $0.artefact.details.members.map { (name: $0.key, value: $0.value) } }
  }

  /// The numbers of ``details(_:)``, without counts of what was measured, and what a training measured last of rows
  /// that were held out.
  func numbers(_ node: RunRecord.Node) throws -> [(name: String, value: Double)] {
    let told = try details(node)
    let last = told.isEmpty ? nil : try steps(node).last { $0["eval_loss"] != nil }
    let heldOut = (last?.object?.members ?? []).filter { $0.key.hasPrefix("eval_") }.map {
      (name: $0.key, value: $0.value)
    }
    return (told + heldOut).compactMap { name, value in
      guard !Sweep.counts.contains(name), let number = value.double else { return nil }
      return (name, number)
    }
  }

  /// What a training told step by step; nothing of other nodes.
  func steps(_ node: RunRecord.Node) throws -> [JSON] {
    try artefacts(node).flatMap { port, artefact, result -> [JSON] in
      guard let member = artefact.members.first(where: { $0.path == MemberName.steps }) else { return [] }
      let text = String(decoding: try store.bytes(of: result.shown(member, at: port)), as: UTF8.self)
      return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    }
  }

  private func artefacts(
    _ node: RunRecord.Node
  ) throws -> [(port: String, artefact: Artefact, result: StoredResult)] {
    guard let result = try result(node) else { return [] }
    return result.outputs.sorted { $0.key < $1.key }.filter { $0.value.type.name == ArtefactName.metrics }
      .map { ($0.key, $0.value, result) }
  }
}
