import Tensors
import Testing

@Suite struct AttentionTests {
  private func attend(
    _ compute: Compute, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ lengths: [Int], _ heads: Int, _ keyValueHeads: Int,
    _ rotary: RotaryTable?
  ) throws -> Tensor {
    try Tape(compute: compute, records: false).attention(
      q: Variable(q), k: Variable(k), v: Variable(v),
      AttentionShape(
        heads: heads, keyValueHeads: keyValueHeads, headDimension: q.columns / heads, scale: 0.25, rotary: rotary),
      in: .packed(SequenceLayout(lengths: lengths))
    ).value
  }

  /// Lengths of one token, around the 64 rows of a tile, and over several tiles.
  @Test(arguments: [[1], [1, 1, 1], [63, 64, 65], [130, 2], [200], [0, 7, 0]])
  func tilesAgreeWithTheDefinition(lengths: [Int]) throws {
    let tokens = lengths.reduce(0, +)
    for (heads, keyValueHeads) in [(1, 1), (6, 2), (4, 4), (3, 1)] {
      for dimension in [2, 10, 64] {
        let q = randomTensor([tokens, heads * dimension], seed: 1)
        let k = randomTensor([tokens, keyValueHeads * dimension], seed: 2)
        let v = randomTensor([tokens, keyValueHeads * dimension], seed: 3)
        for base in [nil, 10000.0] {
          let rotary = base.map { RotaryTable(headDimension: dimension, maximumPosition: 256, base: $0) }
          let expected = naiveAttention(
            q: q.values, k: k.values, v: v.values, lengths: lengths, heads: heads, keyValueHeads: keyValueHeads,
            dimension: dimension, base: base, scale: 0.25)
          for compute in allComputes() {
            let found = try attend(compute, q, k, v, lengths, heads, keyValueHeads, rotary)
            #expect(distance(found.values, expected) < 2e-5)
          }
        }
      }
    }
  }

  @Test func largeScoresDoNotOverflow() throws {
    let q = randomTensor([130, 8], seed: 1, scale: 100)
    let k = randomTensor([130, 8], seed: 2, scale: 100)
    let v = randomTensor([130, 8], seed: 3)
    for compute in allComputes() {
      #expect(try attend(compute, q, k, v, [130], 1, 1, nil).values.allSatisfy { $0.isFinite })
    }
  }

  @Test func packedEqualsUnpacked() throws {
    let rotary = RotaryTable(headDimension: 8, maximumPosition: 100, base: 10000)
    let lengths = [70, 1, 33]
    let q = randomTensor([104, 32], seed: 1)
    let k = randomTensor([104, 16], seed: 2)
    let v = randomTensor([104, 16], seed: 3)
    for compute in allComputes() {
      let packed = try attend(compute, q, k, v, lengths, 4, 2, rotary)
      var start = 0
      for length in lengths {
        func part(_ x: Tensor) -> Tensor {
          Tensor(shape: [length, x.columns], values: Array(x.values[start * x.columns..<(start + length) * x.columns]))
        }
        let alone = try attend(compute, part(q), part(k), part(v), [length], 4, 2, rotary)
        #expect(alone.bits == part(packed).bits)
        start += length
      }
    }
  }

  @Test func aCacheGivesWhatTheWholeSequenceGives() throws {
    let rotary = RotaryTable(headDimension: 8, maximumPosition: 100, base: 10000)
    let q = randomTensor([90, 32], seed: 1)
    let k = randomTensor([90, 16], seed: 2)
    let v = randomTensor([90, 16], seed: 3)
    func part(_ x: Tensor, _ rows: Range<Int>) -> Variable {
      Variable(
        Tensor(
          shape: [rows.count, x.columns],
          values: Array(x.values[rows.lowerBound * x.columns..<rows.upperBound * x.columns])))
    }
    let shape = AttentionShape(heads: 4, keyValueHeads: 2, headDimension: 8, scale: 0.25, rotary: rotary)
    for compute in allComputes() {
      let whole = try attend(compute, q, k, v, [90], 4, 2, rotary)
      let cache = KeyValueCache(layers: [(16, 16), (16, 16)], capacity: 90)
      let tape = Tape(compute: compute, records: false)
      // A prompt, single tokens, a step back, and a longer piece that crosses a tile.
      for rows in [0..<5, 5..<6, 6..<7, 4..<60, 60..<61, 61..<90] {
        cache.truncate(to: rows.lowerBound)
        for layer in 0..<2 {
          let o = try tape.attention(
            q: part(q, rows), k: part(k, rows), v: part(v, rows), shape, in: .cached(cache), layer: layer)
          #expect(distance(o.value.values, part(whole, rows).value.values) < 1e-5)
        }
        cache.advance(by: rows.count)
      }
      #expect(throws: TensorError.cacheFull(wanted: 91, capacity: 90)) {
        _ = try tape.attention(
          q: part(q, 0..<1), k: part(k, 0..<1), v: part(v, 0..<1), shape, in: .cached(cache))
      }
    }
  }

  @Test func positionsBeyondTheTableAreRefused() {
    let rotary = RotaryTable(headDimension: 4, maximumPosition: 8, base: 10000)
    let x = Tensor(shape: [9, 4])
    #expect(throws: TensorError.positionBeyondTable(position: 8, maximum: 8)) {
      try attend(allComputes()[0], x, x, x, [9], 1, 1, rotary)
    }
  }
}
