import Synchronization
import Testing
import Threads

@Suite struct SystemThreadTests {
  /// A stack that no system has addresses for.
  private let tooLarge = 1 << 50

  @Test func aThreadThatThereIsNotIsTold() {
    #expect(startThread(stackSize: tooLarge) {} != 0)
  }

  @Test(arguments: [0, 1, 7])
  func workIsDoneByAsManyAsThereAre(others: Int) {
    for stackSize in [1 << 20, tooLarge] {
      let left = Atomic(1000)
      let done = Atomic(0)
      shareWork(others: others, stackSize: stackSize) {
        while left.subtract(1, ordering: .relaxed).oldValue > 0 { done.add(1, ordering: .relaxed) }
      }
      #expect(done.load(ordering: .relaxed) == 1000)
    }
  }
}
