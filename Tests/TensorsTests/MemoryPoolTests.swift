import Tensors
import Testing

@Suite struct MemoryPoolTests {
  @Test func blocksAreAlignedAndUsedAgain() {
    var address = 0
    do {
      let tensor = Tensor(uninitialized: [12_345, 7])
      address = Int(bitPattern: tensor.pointer)
      #expect(address % 64 == 0)
    }
    // Other tests run beside this one, so the block may be taken by one of them; its size is unusual enough.
    let again = Tensor(uninitialized: [12_345, 7])
    #expect(Int(bitPattern: again.pointer) == address)
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
}
