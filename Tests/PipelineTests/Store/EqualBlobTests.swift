import Pipeline
import TestKit
import Testing

@Suite struct EqualBlobTests {
  /// Many nodes publish the same bytes while others read them.
  @Test func replacingABlobByItsEqualDisturbsNobody() throws {
    let workspace = try ToyWorkspace()
    let names = (0..<24).map { "n\($0)" }
    let nodes = names.map { "  \($0): {type: toy_join, parts: [a], separator: \"\($0)\"}" }
    let readers = names.map { "  r\($0): {type: toy_join, parts: [\($0), a], separator: \"\($0)\"}" }
    let lines = ["pipeline: equal", "nodes:", "  a: {type: toy_text, text: same}"] + nodes + readers
    var options = RunOptions()
    options.cores = 16
    let summary = try workspace.run(
      lines.joined(separator: "\n") + "\noutputs: [\(names.map { "r" + $0 }.joined(separator: ", "))]\n",
      options: options)
    #expect(summary.state == .done, "\(summary.nodes.flatMap(\.problems))")
  }
}
