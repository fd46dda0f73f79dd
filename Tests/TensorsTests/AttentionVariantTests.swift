import Foundation
import Tensors
import TestKit
import Testing

/// What attention can be besides causal with grouped heads, against the definition in double and by finite differences.
@Suite struct AttentionVariantTests {
  private static let base = AttentionShape(heads: 4, keyValueHeads: 2, headDimension: 6, scale: 0.4)

  private static func shape(_ change: (inout AttentionShape) -> Void) -> AttentionShape {
    var shape = base
    change(&shape)
    return shape
  }

  private static let halves = RotaryTable(frequencies: [1, 0.1], maximumPosition: 300, factor: 1.25)
  private static let pairs = RotaryTable(frequencies: [1, 0.1], maximumPosition: 300, start: 2, turnsPairs: true)

  static let variants: [(name: String, shape: AttentionShape)] = [
    ("window", shape { $0.window = 3 }),
    ("long window", shape { $0.window = 70 }),
    ("cap", shape { $0.softCap = 0.7 }),
    ("slopes", shape { $0.slopes = [0.5, 0.25, 0.125, 0.0625] }),
    ("values", shape { $0.valueDimension = 3 }),
    ("wide values", shape { $0.valueDimension = 9 }),
    ("partly turned", shape { $0.rotary = halves }),
    ("neighbours turned", shape { $0.rotary = pairs }),
    (
      "all",
      shape {
        ($0.window, $0.softCap, $0.slopes, $0.valueDimension) = (5, 1.5, [0.5, 0.25, 0.125, 0.0625], 4)
        $0.rotary = pairs
      }
    ),
  ]

  /// o of one sequence in double, straight from the definition.
  private func definition(_ shape: AttentionShape, q: Tensor, k: Tensor, v: Tensor, sinks: [Float]?) -> [Float] {
    let (dimension, width) = (shape.headDimension, shape.valueDimension)
    func turned(_ x: Tensor, _ row: Int, _ head: Int) -> [Double] {
      var values = (0..<dimension).map { Double(x.pointer[row * x.columns + head * dimension + $0]) }
      guard let table = shape.rotary else { return values }
      let half = table.dimension / 2
      for index in 0..<half {
        let (first, second) =
          table.turnsPairs
          ? (table.start + 2 * index, table.start + 2 * index + 1) : (table.start + index, table.start + half + index)
        let cosine = Double(table.cosines.pointer[row * half + index])
        let sine = Double(table.sines.pointer[row * half + index])
        (values[first], values[second]) = (
          values[first] * cosine - values[second] * sine, values[second] * cosine + values[first] * sine
        )
      }
      return values
    }
    var o: [Float] = []
    for row in 0..<q.rows {
      for head in 0..<shape.heads {
        let query = turned(q, row, head)
        let first = shape.window.map { max(0, row - $0 + 1) } ?? 0
        let scores = (first...row).map { key -> Double in
          var score =
            zip(query, turned(k, key, head / shape.group)).reduce(0) { $0 + $1.0 * $1.1 } * Double(shape.scale)
          if let cap = shape.softCap { score = Double(cap) * tanh(score / Double(cap)) }
          return score - Double(shape.slopes?[head] ?? 0) * Double(row - key)
        }
        let sum = scores.reduce(sinks.map { exp(Double($0[head])) } ?? 0) { $0 + exp($1) }
        for column in 0..<width {
          let place = head / shape.group * width + column
          o.append(
            Float(
              zip(scores, first...row).reduce(0) {
                $0 + exp($1.0) / sum * Double(v.pointer[$1.1 * v.columns + place])
              }))
        }
      }
    }
    return o
  }

  @Test(arguments: variants.indices, [1, 7, 64, 65, 200])
  func agreeWithTheDefinition(variant: Int, tokens: Int) throws {
    let shape = Self.variants[variant].shape
    let q = randomTensor([tokens, 4 * 6], seed: 1)
    let k = randomTensor([tokens, 2 * 6], seed: 2)
    let v = randomTensor([tokens, 2 * shape.valueDimension], seed: 3)
    let sinks = variant % 2 == 0 ? randomParameter("sinks", [4], seed: 4) : nil
    let expected = definition(shape, q: q, k: k, v: v, sinks: sinks?.value.values)
    for compute in allComputes() {
      let tape = Tape(compute: compute, records: false)
      let input = AttentionInput(q: Variable(q), k: Variable(k), v: Variable(v), shape)
      let packed = try tape.attention(
        input, shape, sinks: sinks, in: .packed(SequenceLayout(lengths: [tokens])))
      #expect(distance(packed.value.values, expected) < 2e-5, "\(Self.variants[variant].name)")
      let cache = KeyValueCache(layers: [(12, 2 * shape.valueDimension)], capacity: tokens)
      var cached: [Float] = []
      for rows in [0..<min(5, tokens), min(5, tokens)..<min(70, tokens), min(70, tokens)..<tokens] where !rows.isEmpty {
        func part(_ x: Tensor) -> Variable {
          Variable(
            Tensor(
              shape: [rows.count, x.columns],
              values: Array(x.values[rows.lowerBound * x.columns..<rows.upperBound * x.columns])))
        }
        let input = AttentionInput(q: part(q), k: part(k), v: part(v), shape)
        cached += try tape.attention(input, shape, sinks: sinks, in: .cached(cache)).value.values
        cache.advance(by: rows.count)
      }
      #expect(distance(cached, expected) < 2e-5, "\(Self.variants[variant].name), cached")
    }
  }

  @Test(arguments: variants.indices)
  func gradientsAgreeWithFiniteDifferences(variant: Int) throws {
    let shape = Self.variants[variant].shape
    let layout = SequenceLayout(segments: [(9, nil), (3, 0), (4, 0), (6, nil)])
    for compute in OperationGradientTests.computes {
      let q = randomParameter("q", [layout.tokenCount, 4 * 6], seed: 1)
      let k = randomParameter("k", [layout.tokenCount, 2 * 6], seed: 2)
      let v = randomParameter("v", [layout.tokenCount, 2 * shape.valueDimension], seed: 3)
      let sinks = randomParameter("sinks", [4], seed: 4)
      let found = try GradientCheck.differences([q, k, v, sinks], compute) { tape in
        let input = AttentionInput(q: try tape.input(q), k: try tape.input(k), v: try tape.input(v), shape)
        return [try tape.attention(input, shape, sinks: sinks, in: .packed(layout))]
      }
      #expect(found.isEmpty, "\(Self.variants[variant].name)")
    }
  }

  /// Heads of one array: queries, keys and values in blocks, or group by group, with columns that belong to none.
  @Test(arguments: [false, true])
  func headsOfOneArray(grouped: Bool) throws {
    let shape = Self.base
    let width = grouped ? 2 * 24 : 24 + 12 + 12 + 5
    let x = randomParameter("x", [75, width], seed: 1)
    let places: [HeadPlace] =
      grouped
      ? [HeadPlace(groupStride: 24), HeadPlace(start: 12, groupStride: 24), HeadPlace(start: 18, groupStride: 24)]
      : [HeadPlace(groupStride: 12), HeadPlace(start: 24, groupStride: 6), HeadPlace(start: 36, groupStride: 6)]
    func columns(_ place: HeadPlace, _ width: Int) -> Tensor {
      var values: [Float] = []
      for row in 0..<75 {
        for head in 0..<2 {
          let start = row * x.value.columns + place.start + head * place.groupStride
          values += (start..<start + width).map { x.value.pointer[$0] }
        }
      }
      return Tensor(shape: [75, 2 * width], values: values)
    }
    let expected = definition(
      shape, q: columns(places[0], 12), k: columns(places[1], 6), v: columns(places[2], 6), sinks: nil)
    for compute in OperationGradientTests.computes {
      func attend(_ tape: Tape) throws -> Variable {
        let all = try tape.input(x)
        let input = AttentionInput(
          queries: (all, places[0]), keys: (all, places[1]), values: (all, places[2]))
        return try tape.attention(input, shape, in: .packed(SequenceLayout(lengths: [75])))
      }
      #expect(distance(try attend(Tape(compute: compute, records: false)).value.values, expected) < 2e-5)
      #expect(try GradientCheck.differences([x], compute) { [try attend($0)] }.isEmpty)
    }
  }

  @Test func headsWithBiasAndCap() throws {
    let table = randomParameter("table", [40, 6], seed: 1)
    let bias = randomParameter("bias", [40], seed: 2)
    let x = randomParameter("x", [9, 6], seed: 3)
    let targets = (0..<9).map { Int32($0 * 4) }
    for compute in OperationGradientTests.computes {
      for cap in [nil, Float(0.8)] {
        let head = OutputHead(try MatrixWeight(trainable: table, compute: compute), bias: bias, softCap: cap)
        let found = try GradientCheck.differences([x, table, bias], compute) { tape in
          let weights = [Float](repeating: 0.3, count: 9)
          return [
            try tape.crossEntropy(try tape.input(x), head: head, targets: targets, weights: weights).loss,
            try tape.labelLogProbabilities(try tape.input(x), head: head, targets: targets),
          ]
        }
        #expect(found.isEmpty)
        let tape = Tape(compute: compute, records: false)
        let logits = try tape.logits(Variable(x.value), head)
        let expected = (0..<9).map { row in
          let scores = (0..<40).map { Double(logits.pointer[row * 40 + $0]) }
          return Float(scores[Int(targets[row])] - log(scores.reduce(0) { $0 + exp($1) }))
        }
        let scored = try tape.labelLogProbabilities(Variable(x.value), head: head, targets: targets).value.values
        #expect(distance(scored, expected) < 1e-5)
      }
    }
  }
}
