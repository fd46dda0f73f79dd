import Foundation

/// e^x in double.
func expReference(_ x: Double) -> Double { exp(x) }

/// The bits of x rounded to a 16-bit float, found by search over all of them.
func fp16(_ x: Float) -> UInt16 {
  if x.isNaN { return 0x7E00 }
  let sign: UInt16 = x.sign == .minus ? 0x8000 : 0
  let magnitude = Double(abs(x))
  if magnitude >= 65520 { return sign | 0x7C00 }
  var low: UInt16 = 0
  var high: UInt16 = 0x7BFF
  while low < high {
    let middle = low + (high - low + 1) / 2
    if Double(float16(middle)) <= magnitude { low = middle } else { high = middle - 1 }
  }
  if low == 0x7BFF { return sign | low }
  let below = magnitude - Double(float16(low))
  let above = Double(float16(low + 1)) - magnitude
  return sign | (below < above || (below == above && low % 2 == 0) ? low : low + 1)
}

/// The value of a 16-bit float, from its definition.
func float16(_ bits: UInt16) -> Float {
  let sign: Float = bits & 0x8000 == 0 ? 1 : -1
  let exponent = Int(bits >> 10 & 31)
  let fraction = Float(bits & 0x3FF)
  if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
  return exponent == 0 ? sign * fraction * 0x1p-24 : sign * (1024 + fraction) * Float(pow(2, Double(exponent - 25)))
}

/// Causal attention with grouped heads and rotary positions in double, straight from the definition.
func naiveAttention(
  q: [Float], k: [Float], v: [Float], lengths: [Int], heads: Int, keyValueHeads: Int, dimension: Int, base: Double?,
  scale: Double
) -> [Float] {
  func transposed(_ x: [Float], _ row: Int, _ position: Int, _ head: Int, _ count: Int) -> [Double] {
    let start = (row * count + head) * dimension
    let half = dimension / 2
    guard let base else { return (0..<dimension).map { Double(x[start + $0]) } }
    return (0..<dimension).map { i in
      let angle = Double(position) / pow(base, Double(2 * (i % half)) / Double(dimension))
      let a = Double(x[start + i])
      let b = Double(x[start + (i + half) % dimension])
      return i < half ? a * cos(angle) - b * sin(angle) : a * cos(angle) + b * sin(angle)
    }
  }
  var o = [Float](repeating: 0, count: q.count)
  var start = 0
  for length in lengths {
    for i in 0..<length {
      for head in 0..<heads {
        let shared = head / (heads / keyValueHeads)
        let query = transposed(q, start + i, i, head, heads)
        let scores = (0...i).map { j in
          zip(query, transposed(k, start + j, j, shared, keyValueHeads)).reduce(0) { $0 + $1.0 * $1.1 } * scale
        }
        let maximum = scores.max() ?? 0
        let weights = scores.map { exp($0 - maximum) }
        let sum = weights.reduce(0, +)
        for d in 0..<dimension {
          let total = (0...i).reduce(0.0) {
            $0 + weights[$1] * Double(v[((start + $1) * keyValueHeads + shared) * dimension + d])
          }
          o[((start + i) * heads + head) * dimension + d] = Float(total / sum)
        }
      }
    }
    start += length
  }
  return o
}

/// log p(target) of each row of x [L, C] under softmax(x Wᵀ), W [V, C], in double; and whether it is the largest.
func naiveLogProbabilities(
  x: [Float], head: [Float], width: Int, targets: [Int32]
) -> (logProbabilities: [Double], probabilities: [[Double]], correct: [Bool]) {
  let vocabulary = head.count / width
  var logs: [Double] = []
  var rows: [[Double]] = []
  var correct: [Bool] = []
  for (row, target) in targets.enumerated() {
    let scores = (0..<vocabulary).map { token in
      (0..<width).reduce(0.0) { $0 + Double(x[row * width + $1]) * Double(head[token * width + $1]) }
    }
    let maximum = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - maximum) }
    logs.append(scores[Int(target)] - maximum - log(sum))
    rows.append(scores.map { exp($0 - maximum) / sum })
    correct.append(scores.firstIndex(of: maximum) == Int(target))
  }
  return (logs, rows, correct)
}

/// a [m, k] · bᵀ, b [n, k], in double.
func naiveProduct(_ a: [Float], _ b: [Float], inner: Int) -> [Float] {
  let m = a.count / inner
  let n = b.count / inner
  var y = [Float](repeating: 0, count: m * n)
  for i in 0..<m {
    for j in 0..<n {
      y[i * n + j] = Float((0..<inner).reduce(0.0) { $0 + Double(a[i * inner + $1]) * Double(b[j * inner + $1]) })
    }
  }
  return y
}
