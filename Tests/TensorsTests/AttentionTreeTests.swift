import Tensors
import Testing

/// Attention over a tree of segments against the same sequences one by one.
@Suite struct AttentionTreeTests {
  /// Segments of every kind: longer than a tile takes whole above and below others, short ones, such as are short beside
  /// what they follow, and one without tokens.
  private static let segments: [(count: Int, parent: Int?)] = [
    (300, nil), (90, 0), (40, 1), (2, 1), (270, 0), (3, 0), (0, 0), (20, nil), (61, 7), (200, 7), (64, 7),
    (40, 8), (30, 8),
  ]
  /// Of each sequence, from its first segment to its last.
  private static let paths = [
    [0, 1, 2], [0, 1, 3], [0, 4], [0, 5], [0, 6], [7, 8, 11], [7, 8, 12], [7, 9], [7, 10],
  ]

  private let layout = SequenceLayout(segments: segments)
  private let rotary = RotaryTable(headDimension: 16, maximumPosition: 600, base: 10000)

  /// o, dq, dk and dv for the given rows.
  private func attend(
    _ compute: Compute, _ layout: SequenceLayout, rows: [Int], dO: [Float], window: Int?
  ) throws -> [[Float]] {
    let parameters = [6, 2, 2].enumerated().map { index, heads in
      let all = randomTensor([self.layout.tokenCount, heads * 16], seed: UInt64(index))
      let values = rows.flatMap { all.values[$0 * heads * 16..<($0 + 1) * heads * 16] }
      return Parameter(
        name: "\(index)", value: Tensor(shape: [rows.count, heads * 16], values: values), isTrainable: true)
    }
    let tape = Tape(compute: compute, records: true)
    let inputs = try parameters.map { try tape.input($0) }
    let o = try tape.attention(
      q: inputs[0], k: inputs[1], v: inputs[2],
      AttentionShape(
        heads: 6, keyValueHeads: 2, headDimension: 16, scale: 0.25, rotary: rotary, window: window),
      in: .packed(layout))
    let result = o.value.values
    tape.backward(from: o, gradient: Tensor(shape: [rows.count, 6 * 16], values: dO))
    return [result] + parameters.map { $0.gradient?.values ?? [] }
  }

  /// The largest relative distance of o and the gradients.
  private func distances(_ compute: Compute, window: Int? = nil) throws -> Double {
    let width = 6 * 16
    let dO = randomTensor([layout.tokenCount, width], seed: 9).values
    let found = try attend(compute, layout, rows: Array(0..<layout.tokenCount), dO: dO, window: window)
    var expected = found.map { [Float](repeating: 0, count: $0.count) }
    var isDone = Set<Int>()
    for path in Self.paths {
      let rows = path.flatMap { segment in
        layout.segments[segment].start..<layout.segments[segment].start + layout.segments[segment].count
      }
      // What comes back to a token that sequences share comes back once.
      let own = rows.flatMap { row in
        isDone.contains(row) ? [Float](repeating: 0, count: width) : Array(dO[row * width..<(row + 1) * width])
      }
      let alone = try attend(compute, SequenceLayout(lengths: [rows.count]), rows: rows, dO: own, window: window)
      for (index, values) in alone.enumerated() {
        let columns = values.count / rows.count
        for (place, row) in rows.enumerated() where index > 0 || !isDone.contains(row) {
          for column in 0..<columns { expected[index][row * columns + column] += values[place * columns + column] }
        }
      }
      isDone.formUnion(rows)
    }
    return zip(found, expected).map { relativeDistance($0, $1) }.max() ?? .infinity
  }

  /// Windows of less than a tile, of a tile, that end in segments above, and longer than everything.
  @Test(arguments: [nil, 2, 5, 64, 100, 290, 1000])
  func sequencesOfATreeAgreeWithEachAlone(window: Int?) throws {
    for compute in allComputes() { #expect(try distances(compute, window: window) < 1e-5) }
  }

  /// Shared keys stand in other tiles than alone, so that probabilities are rounded against another maximum.
  @Test(.enabled(if: ComputeClass.available(.best).contains(.bf16), "This processor does not multiply bfloat16"))
  func alsoInBF16() throws {
    let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best, computeClass: .bf16)
    #expect(try distances(compute) < 1e-2)
  }
}
