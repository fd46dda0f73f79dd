import CTensorKernels
import Foundation
import Tensors
import TestKit
import Testing

@Suite struct MemoryNodesTests {
  private func machine(_ lists: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (number, list) in lists.enumerated() { try folder.write(list + "\n", to: "node\(number)/cpulist") }
    try folder.write("0-1\n", to: "online")
    return folder
  }

  @Test func listsOfProcessorsAreRead() {
    #expect(MemoryNodes.processors(in: "0-3,8,10-11\n") == [0, 1, 2, 3, 8, 10, 11])
    #expect(MemoryNodes.processors(in: "") == [])
    #expect(MemoryNodes.processors(in: "3-1,a,7-99999999,2") == [2])
  }

  @Test func neighbouringSeatsShareANode() throws {
    let folder = try machine(["0-1,4-5", "2-3,6-7"])
    let nodes = MemoryNodes(allowed: Set(0..<8), folder: folder.path)
    #expect(nodes.nodes == [[0, 1, 4, 5], [2, 3, 6, 7]])
    #expect((0..<8).map { nodes.processors(ofSeat: $0, of: 8).first } == [0, 0, 0, 0, 2, 2, 2, 2])
    #expect((0..<3).map { nodes.processors(ofSeat: $0, of: 3).first } == [0, 0, 2])
    // More threads than processors.
    #expect(nodes.processors(ofSeat: 127, of: 128) == [2, 3, 6, 7])
  }

  @Test func onlyProcessorsThatMayBeUsedCount() throws {
    let folder = try machine(["0-3", "4-7"])
    #expect(MemoryNodes(allowed: [2, 5, 6], folder: folder.path).nodes == [[2], [5, 6]])
    let one = MemoryNodes(allowed: [5, 6], folder: folder.path)
    #expect(one.processors(ofSeat: 1, of: 2) == [], "one node: nothing to choose")
    #expect(MemoryNodes(allowed: [0], folder: folder.path("none")).processors(ofSeat: 0, of: 1) == [])
  }

  @Test func aThreadRunsWhereItIsTold() async {
    let found = await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var before = [Int32](repeating: -1, count: 1024)
        let count = tk_allowed_processors(&before, before.count)
        let last = Array(before.prefix(count).suffix(1))
        let status = tk_run_on(last, 1)
        var after = [Int32](repeating: -1, count: 1024)
        let left = tk_allowed_processors(&after, after.count)
        continuation.resume(returning: status == 0 && Array(after.prefix(left)) == last && !last.isEmpty)
      }
    }
    #expect(found)
  }
}
