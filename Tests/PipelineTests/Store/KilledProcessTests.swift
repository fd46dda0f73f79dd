import Foundation
import Pipeline
import TestKit
import Testing

@Suite(.enabled(if: toyEngine() != nil, "the program `ToyEngine` was not built"), .serialized)
struct KilledProcessTests {
  private let pipeline = """
    pipeline: killed
    nodes:
      a: {type: toy_text, text: "one\\ntwo"}
      parts: {type: toy_parts, of: a}
      halves: {type: toy_pair, of: parts, at: 3}
    outputs: [halves]
    """

  @Test func killedAtAnyChangeOfTheStoreNothingIsLostOrWrong() throws {
    let program = try #require(toyEngine())
    let clean = try ToyWorkspace()
    try clean.write(pipeline: pipeline)
    let whole = try ToyProcess(clean, program: program, arguments: ["count-changes"]).end()
    #expect(whole.code == 0)
    let changes = try #require(whole.changes())
    #expect(changes > 60)
    var wanted = whole.nodes
    wanted["changes"] = nil
    // Every second change: about half of a minute of processes.
    for step in stride(from: 1, through: changes, by: 2) {
      let workspace = try ToyWorkspace()
      try workspace.write(pipeline: pipeline)
      let killed = try ToyProcess(workspace, program: program, arguments: ["kill-at=\(step)"]).end()
      // Digests are remembered unless a file changed just before, so that the number of changes varies by a few.
      #expect(killed.code == -9 || step > changes - 8, "step \(step): \(killed.output)")
      #expect(try workspace.store.verify().corrupt.isEmpty, "step \(step)")
      #expect(try workspace.store.verify().dead.isEmpty, "step \(step)")
      let again = try ToyProcess(workspace, program: program).end()
      #expect(again.code == 0, "step \(step): \(again.output)")
      #expect(Set(again.nodes.values.map(digests)) == Set(wanted.values.map(digests)), "step \(step)")
    }
  }

  /// A node's line without its state.
  private func digests(_ line: String) -> String { line.split(separator: " ").dropFirst().joined(separator: " ") }

  @Test func twoRunsAtOnceExecuteEachActionOnce() throws {
    let program = try #require(toyEngine())
    let workspace = try ToyWorkspace()
    try workspace.write(
      pipeline: """
        pipeline: shared
        nodes:
          a: {type: toy_text, text: a, count_in: COUNT}
          b: {type: toy_join, parts: [a], pause: 0.5, count_in: COUNT}
          c: {type: toy_join, parts: [a, b], pause: 0.3, count_in: COUNT}
          d: {type: toy_heavy, of: c, pause: 0.3, count_in: COUNT}
          e: {type: toy_join, parts: [d, b], pause: 0.1, count_in: COUNT}
        outputs: [e]
        """)
    let runs = try (0..<3).map { _ in try ToyProcess(workspace, program: program) }
    let endings = runs.map { $0.end() }
    #expect(endings.map(\.code) == [0, 0, 0])
    #expect(try workspace.executed().sorted() == ["a", "b", "c", "d", "e"])
    #expect(Set(endings.map { $0.nodes["e"].map(digests) }).count == 1)
  }

  @Test func aFileTooLargeForItsLimitIsOneClearError() throws {
    let program = try #require(toyEngine())
    let workspace = try ToyWorkspace()
    // The record keeps the file, which is small; what it makes is not.
    let (long, text) = (String(repeating: "long ", count: 200), String(repeating: "${long}", count: 10))
    try workspace.write(
      pipeline: "pipeline: p\nparams: {long: \"\(long)\"}\nnodes:\n  a: {type: toy_text, text: \"\(text)\"}\n")
    let ending = try ToyProcess(workspace, program: program, prefix: "ulimit -f 4;").end()
    #expect(ending.code == 1)
    #expect(ending.output.contains("the file would be larger than allowed"))
    #expect(try workspace.store.verify().isSound)
    #expect(try ToyProcess(workspace, program: program).end().code == 0)
  }
}
