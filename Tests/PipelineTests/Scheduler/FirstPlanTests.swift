import Foundation
import Pipeline
import TestKit
import Testing

/// "Unless it comes out as before" is said only where there is a before.
@Suite struct FirstPlanTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private func text(_ word: String) -> String {
    """
    pipeline: p
    nodes:
      start: {type: toy_text, text: \(word)}
      head: {type: toy_head, of: start, letters: 3}
      twin: {type: toy_head, of: start, letters: 3}
      end: {type: toy_join, parts: [head, twin]}
    """
  }

  private func plan(_ text: String) throws -> Plan {
    let store = workspace.reopened()
    return try Planner(store: store).plan(try workspace.pipeline(text, store: store))
  }

  @Test func everythingRunsInAnEmptyStore() throws {
    let plan = try plan(text("alpha"))
    #expect(plan.willRun.map(\.name) == ["start", "head", "end"])
    #expect(plan.mayRun.isEmpty)
    #expect(plan.nodes.first { $0.name == "twin" }?.sameWorkAs == "head")
  }

  @Test func whatRanBeforeRunsPerhaps() throws {
    try workspace.run(text("alpha"))
    let plan = try plan(text("alphabet"))
    #expect(plan.willRun.map(\.name) == ["start"])
    #expect(plan.mayRun.map(\.name) == ["head", "end"])
    // The index is advice: without it the results tell the same.
    try FileManager.default.removeItem(atPath: workspace.store.path + "/plan")
    let without = try self.plan(text("alphabet"))
    #expect(without.willRun.map(\.name) == ["start"])
    #expect(without.mayRun.map(\.name) == ["head", "end"])
    let known = try self.plan(text("alpha"))
    #expect(known.cached.map(\.name) == ["start", "head", "twin", "end"])
    // New work below it has no past.
    let longer = try self.plan(text("alphabet").replacing("letters: 3", with: "letters: 4"))
    #expect(longer.willRun.map(\.name) == ["start", "head"])
    #expect(longer.mayRun.map(\.name) == ["end"])
  }
}
