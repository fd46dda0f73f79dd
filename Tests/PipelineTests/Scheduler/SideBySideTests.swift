import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

@Suite(.serialized) struct SideBySideTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private func most(_ events: [RunEvent]) -> Int {
    var running = 0
    var most = 0
    for event in events {
      switch event {
      case .nodeStarted: running += 1
      case .nodeEnded(let record) where record.state == .ran: running -= 1
      default: break
      }
      most = max(most, running)
    }
    return most
  }

  private func run(_ text: String, cores: Int, memory: Int = 1 << 40) throws -> [RunEvent] {
    var options = RunOptions()
    options.cores = cores
    options.memory = memory
    let events = EventCollector()
    let summary = try workspace.run(text, options: options, sinks: [events])
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems))")
    return events.events
  }

  private let wide = """
    pipeline: wide
    nodes:
      a: {type: toy_text, text: SALT}
      p: {type: toy_join, parts: [a], pause: 0.2, separator: "1", memory: 600MB}
      q: {type: toy_join, parts: [a], pause: 0.2, separator: "2", memory: 600MB}
      r: {type: toy_join, parts: [a], pause: 0.2, separator: "3", memory: 300MB}
    outputs: [p, q, r]
    """

  @Test func lightNodesTakeACoreEach() throws {
    #expect(most(try run(wide.replacingOccurrences(of: "SALT", with: "x"), cores: 1)) == 1)
    #expect(most(try run(wide.replacingOccurrences(of: "SALT", with: "y"), cores: 2)) == 2)
    #expect(most(try run(wide.replacingOccurrences(of: "SALT", with: "z"), cores: 8)) == 3)
  }

  @Test func memorySetAsideLimitsThem() throws {
    #expect(most(try run(wide.replacingOccurrences(of: "SALT", with: "x"), cores: 8, memory: 1_000_000_000)) == 2)
    // What would never fit runs alone.
    #expect(most(try run(wide.replacingOccurrences(of: "SALT", with: "y"), cores: 8, memory: 1)) == 1)
  }

  @Test func heavyNodesRunOneAtATimeAndLightOnesBeside() throws {
    let text = """
      pipeline: heavies
      nodes:
        a: {type: toy_text, text: x}
        b: {type: toy_text, text: y}
        h: {type: toy_heavy, of: a, pause: 0.3}
        i: {type: toy_heavy, of: b, pause: 0.3}
        l: {type: toy_join, parts: [a, b], pause: 0.1}
      outputs: [h, i, l]
      """
    #expect(most(try run(text, cores: 4)) == 2)
  }

  @Test func theLongestWayGoesFirst() throws {
    let text = """
      pipeline: order
      nodes:
        a: {type: toy_text, text: x, count_in: COUNT}
        short: {type: toy_join, parts: [a], separator: "1", count_in: COUNT}
        zlong: {type: toy_join, parts: [a], separator: "2", count_in: COUNT}
        next: {type: toy_head, of: zlong, count_in: COUNT}
        beside: {type: toy_join, parts: [a], separator: "3", count_in: COUNT}
      outputs: [short, next, beside]
      """
    _ = try run(text, cores: 1)
    #expect(try workspace.executed() == ["a", "zlong", "beside", "next", "short"])
  }
}
