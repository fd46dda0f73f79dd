import Foundation
import Synchronization
import Tensors
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8, 128])
  func everyTileRunsOnce(threads: Int) {
    let pool = ThreadPool(threads: threads)
    for count in [0, 1, 2, 7, 127, 129, 1000] {
      let marks = Tensor(shape: [count])
      for round in 1...20 {
        pool.tiles(count) { marks.pointer[$0] += 1 }
        #expect(marks.buffer.allSatisfy { $0 == Float(round) })
      }
    }
  }

  @Test func whatASlowThreadHasLeftIsDoneByOthers() {
    let pool = ThreadPool(threads: 2)
    let others = Counter()
    let end = Date(timeIntervalSinceNow: 20)
    // Half of the tiles are meant for the thread that is stuck in the first one.
    pool.tiles(8) { tile in
      if tile > 0 { return others.add() }
      while others.value < 7, Date() < end { Thread.sleep(forTimeInterval: 0.001) }
    }
    #expect(others.value == 7)
    #expect(Date() < end)
  }

  /// Sixty-four threads a processor: a call waits for those that came, not for those that sleep.
  @Test(.timeLimit(.minutes(1))) func manyMoreThreadsThanProcessorsGetOn() {
    let pool = ThreadPool(threads: 128)
    let total = Counter()
    for _ in 0..<3000 { pool.tiles(200) { _ in total.add() } }
    #expect(total.value == 3000 * 200)
  }

  @Test func nestedCallsRunInline() {
    let pool = ThreadPool(threads: 3)
    let marks = Tensor(shape: [10, 10])
    pool.tiles(10) { outer in
      pool.tiles(10) { inner in marks.pointer[outer * 10 + inner] += 1 }
    }
    #expect(marks.buffer.allSatisfy { $0 == 1 })
  }

  @Test func callersTakeTurns() async {
    let pool = ThreadPool(threads: 2)
    let total = Counter()
    await withTaskGroup { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<50 { pool.tiles(16) { _ in total.add() } }
        }
      }
    }
    #expect(total.value == 4 * 50 * 16)
  }

  @Test func threadsAreBroughtIntoTheirRange() {
    #expect(ThreadPool(threads: 0).threads == 1)
    #expect(ThreadPool(threads: 1000).threads == 128)
    #expect(ThreadPool.availableProcessors >= 1)
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
}
