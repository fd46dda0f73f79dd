import Tensors
import Testing
import Training

@Suite("The order of the rows")
struct OrderTests {
  func order(_ rows: Int, _ batch: Int, shuffle: Bool = true, seed: UInt64 = 1) -> DataOrder {
    DataOrder(rowCount: rows, batchSize: batch, shuffle: shuffle, key: RandomKey(seed: seed))
  }

  @Test func eachPassTakesEachRowOnceInAnOrderOfItsOwn() {
    var found = order(10, 4)
    let first = (0..<3).flatMap { found.rows(step: $0) }
    let second = (3..<6).flatMap { found.rows(step: $0) }
    #expect(first.sorted() == Array(0..<10))
    #expect(second.sorted() == Array(0..<10))
    #expect(first != second)
    #expect(found.rows(step: 2).count == 2)
    // Any step can be asked for by itself.
    var fresh = order(10, 4)
    #expect(Array(fresh.rows(step: 4)) == Array(second[4..<8]))
    var other = order(10, 4, seed: 2)
    #expect((0..<3).flatMap { other.rows(step: $0) } != first)
  }

  @Test func withoutShufflingRowsStandAsTheyAre() {
    var found = order(5, 2, shuffle: false)
    #expect((0..<6).map { Array(found.rows(step: $0)) } == [[0, 1], [2, 3], [4], [0, 1], [2, 3], [4]])
  }

  @Test func lengthsBecomeSteps() {
    var found = order(10, 4, shuffle: false)
    #expect(found.totalSteps(.steps(7)) { _ in 0 } == 7)
    #expect(found.totalSteps(.epochs(2)) { _ in 0 } == 6)
    #expect(found.totalSteps(.epochs(1.5)) { _ in 0 } == 5)
    #expect(found.totalSteps(.epochs(0.01)) { _ in 0 } == 1)
    // Ten rows of ten tokens: steps of 40, 40 and 20.
    for (tokens, steps) in [(1, 1), (40, 1), (41, 2), (100, 3), (101, 4), (240, 7), (241, 8), (300, 9)] {
      #expect(found.totalSteps(.tokens(tokens)) { _ in 10 } == steps, "\(tokens) tokens")
    }
  }

  @Test func stepsByTokensTakeRowsWhileTheyFit() {
    let lengths = [5, 9, 3, 3, 12, 1, 4, 4, 2, 7]
    var plain = DataOrder(
      rowCount: 10, size: .tokens(10, lengths: lengths), shuffle: false, key: RandomKey(seed: 1))
    // 5 | 9 | 3 3 | 12, alone | 1 4 4 | 2 7, and the same again.
    let pass = [[0], [1], [2, 3], [4], [5, 6, 7], [8, 9]]
    #expect((0..<12).map { Array(plain.rows(step: $0)) } == pass + pass)
    #expect(plain.totalSteps(.epochs(1)) { lengths[$0] } == 6)
    #expect(plain.totalSteps(.epochs(2.5)) { lengths[$0] } == 15)
    #expect(plain.totalSteps(.epochs(1.5), stepsOnRows: 2) { lengths[$0] } == 18)
    #expect(plain.totalSteps(.tokens(15)) { lengths[$0] } == 3)
    #expect(plain.totalSteps(.tokens(50 + 14)) { lengths[$0] } == 8)
    #expect([3, 6, 9, 12].map { plain.epochs(after: $0) } == [0.5, 1, 1.5, 2])

    var shuffled = DataOrder(
      rowCount: 10, size: .tokens(10, lengths: lengths), shuffle: true, key: RandomKey(seed: 3))
    let total = shuffled.totalSteps(.epochs(3)) { lengths[$0] }
    let steps = (0..<total).map { Array(shuffled.rows(step: $0)) }
    #expect(steps.flatMap { $0 }.sorted() == (0..<10).flatMap { [$0, $0, $0] })
    for step in steps where step.count > 1 { #expect(step.reduce(0) { $0 + lengths[$1] } <= 10) }
    // Any step can be asked for by itself, and in any order.
    var fresh = DataOrder(
      rowCount: 10, size: .tokens(10, lengths: lengths), shuffle: true, key: RandomKey(seed: 3))
    #expect(Array(fresh.rows(step: total - 2)) == steps[total - 2])
    #expect(Array(fresh.rows(step: 1)) == steps[1])
    #expect(fresh.epochs(after: total) == 3)
  }
}
