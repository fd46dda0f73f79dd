import Datasets
import Testing

/// Reference points of LLaMA-Factory's `infer_seqlen` (its own test suite and documentation).
@Suite struct TurnBudgetTests {
  @Test(arguments: [
    (3000, 2000, 1000, 600, 400), (2000, 3000, 1000, 400, 600), (1000, 100, 1000, 900, 100),
    (100, 1000, 1000, 100, 900), (10, 10, 1000, 10, 10), (0, 0, 5, 0, 0), (7, 0, 5, 5, 0),
  ])
  func referencePoints(source: Int, target: Int, room: Int, keptSource: Int, keptTarget: Int) {
    let kept = turnBudget(source: source, target: target, room: room)
    #expect(kept == (keptSource, keptTarget))
  }
}

@Suite struct PackingTests {
  @Test func everySampleOnceAndNoRowTooLong() {
    let lengths = (0..<500).map { ($0 * 7919) % 97 + 1 }
    let rows = packed(lengths: lengths, capacity: 128)
    #expect(rows.flatMap { $0 }.sorted() == Array(0..<500))
    for row in rows { #expect(row.reduce(0) { $0 + lengths[$1] } <= 128) }
    let fill = Double(lengths.reduce(0, +)) / Double(128 * rows.count)
    #expect(fill > 0.97)
  }

  @Test func orderIsThatOfTheFirstSamples() {
    #expect(packed(lengths: [5, 5, 3, 3], capacity: 8) == [[0, 2], [1, 3]])
    #expect(packed(lengths: [], capacity: 8).isEmpty)
    #expect(packed(lengths: [9], capacity: 8) == [[0]])
  }
}
