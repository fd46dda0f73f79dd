import Glibc
import Tensors
import Testing

@Suite struct MemoryPoolTests {
  @Test(arguments: [[1], [257], [12_345, 7], [1 << 20, 3]]) func blocksAreAlignedAndUsable(shape: [Int]) {
    let tensor = Tensor(uninitialized: shape)
    #expect(Int(bitPattern: tensor.pointer) % 64 == 0)
    tensor.pointer.update(repeating: 2, count: tensor.count)
    #expect(tensor.values.allSatisfy { $0 == 2 })
  }

  @Test func emptyTensorsAreFine() {
    let tensor = Tensor(shape: [0, 5])
    #expect(tensor.count == 0)
    #expect(tensor.values.isEmpty)
    #expect(tensor.copy().shape == [0, 5])
  }

  @Test func aTapeGivesItsMemoryBack() throws {
    let compute = Compute(pool: ThreadPool(threads: 1), kernels: .best)
    let table = randomParameter("x", [64, 64], seed: 1)
    weak var kept: Tensor?
    let tape = Tape(compute: compute, records: true)
    do {
      let x = try tape.input(table)
      let h = tape.gatedActivation(gate: x, up: x, .silu)
      kept = h.value
      let y = tape.add(h, x)
      #expect(kept != nil)
      tape.backward(from: y)
    }
    #expect(kept == nil)
  }

  /// Batches of a hundred lengths take what the longest one takes.
  ///
  /// Arrays live as those of a training step do: its first half makes them, its second half lets the last one go first.
  @Test func lengthsOfBatchesTakeNoMoreThanTheLongest() async {
    await #expect(processExitsWith: .success) {
      let pool = MemoryPool.shared
      func step(rows: Int) {
        var saved: [Tensor] = []
        for _ in 0..<8 {
          for columns in [576, 192, 1536] {
            let passing = Tensor(uninitialized: [rows, 1536])
            saved.append(Tensor(uninitialized: [rows, columns]))
            passing.pointer[0] = 1
          }
        }
        while saved.popLast() != nil { _ = Tensor(uninitialized: [rows, 576]) }
      }
      step(rows: 1024)
      let held = pool.heldBytes
      var random = CounterRandom(seed: 1)
      for _ in 0..<100 { step(rows: 300 + Int(random.next() % 700)) }
      #expect(pool.heldBytes == held)
      #expect(Double(held) < 1.02 * Double(pool.peakBytes))
      pool.trim()
      #expect(pool.heldBytes == pool.liveBytes)
      // What was given back to the system can be used again.
      step(rows: 1024)
      #expect(pool.heldBytes == held)
    }
  }

  /// A process that may have three gigabytes of addresses: there is room for half of them in tensors.
  @Test func limitedAddressesAreEnough() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
      for _ in 0..<3 {
        let tensors = (0..<15).map { _ in Tensor(uninitialized: [100 << 18]) }
        for (index, tensor) in tensors.enumerated() { tensor.pointer[tensor.count - 1] = Float(index) }
        for (index, tensor) in tensors.enumerated() { #expect(tensor.pointer[tensor.count - 1] == Float(index)) }
      }
      MemoryPool.shared.trim()
      #expect(MemoryPool.shared.heldBytes == 0)
    }
  }
}

@Suite struct AddressMapTests {
  /// Against a plain list of who has each place.
  @Test(arguments: 1...5 as ClosedRange<UInt64>) func blocksNeverOverlap(seed: UInt64) {
    var random = CounterRandom(seed: seed)
    var map = AddressMap()
    var owners: [Int?] = []
    var blocks: [Int: Range<Int>] = [:]
    for number in 0..<2000 {
      if random.next() % 2 == 0 || blocks.isEmpty {
        let count = 1 + Int(random.next() % 40)
        let start = map.take(count)
        while owners.count < start + count { owners.append(nil) }
        #expect(owners[start..<start + count].allSatisfy { $0 == nil })
        // No lower place would have done.
        var (run, longest) = (0, 0)
        for place in 0..<start {
          run = owners[place] == nil ? run + 1 : 0
          longest = max(longest, run)
        }
        #expect(longest < count)
        for place in start..<start + count { owners[place] = number }
        blocks[number] = start..<start + count
      } else {
        let key = blocks.keys.sorted()[Int(random.next()) % blocks.count]
        guard let block = blocks.removeValue(forKey: key) else { continue }
        for place in block { owners[place] = nil }
        map.give(block)
      }
      #expect(map.end == (owners.lastIndex { $0 != nil }).map { $0 + 1 } ?? 0)
      let holes = map.holes.flatMap { Array($0) }
      #expect(holes == (0..<map.end).filter { owners[$0] == nil })
    }
  }
}
