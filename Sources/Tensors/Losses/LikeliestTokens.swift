import CTensorKernels
import Glibc

/// The likeliest tokens of another model's distribution q at each label, which the model's p is held to: KL(q ‖ p) over
/// them, and what is left over of both distributions as one token more.
///
/// A lower bound of the divergence over the whole vocabulary.
package struct LikeliestTokens: DistributionTarget {
  /// What becomes of the rest of q.
  package enum Rest: String, Sendable, CaseIterable {
    /// The rest of q is compared with the rest of p.
    case bucket
    /// The likeliest tokens are taken for all there are.
    case none
  }

  /// [L, k].
  package var ids: [Int32]
  /// [L, k]: log q.
  package var logProbabilities: [Float]
  /// k.
  package var count: Int
  package var rest: Rest
  package var weight: Float

  package init(ids: [Int32], logProbabilities: [Float], count: Int, rest: Rest = .bucket, weight: Float) {
    self.ids = ids
    self.logProbabilities = logProbabilities
    self.count = count
    self.rest = rest
    self.weight = weight
  }

  package func check(rows: Int, _ own: OutputHead, _ operation: String) throws {
    guard ids.count == rows * count, logProbabilities.count == ids.count else {
      throw TensorError.countMismatch(
        operation: operation, name: "likeliest tokens", expected: rows * count, found: ids.count)
    }
    if let id = ids.first(where: { $0 < 0 || $0 >= own.outputs }) {
      throw TensorError.tokenOutOfRange(operation: operation, id: id, count: own.outputs)
    }
  }

  package func block(_ own: VocabularyBlock) -> any BlockDivergence { LikeliestDivergence(self, of: own) }
}

/// How far the distributions of a block's rows are from the likeliest tokens of others.
///
/// Cost: a few numbers a row.
struct LikeliestDivergence: BlockDivergence {
  private let target: LikeliestTokens
  let values: [Float]
  /// What each p is multiplied by in the derivative: 1 less the rest of q over the rest of p.
  private let factors: [Float]
  /// q of the likeliest tokens of each row: [rows, k].
  private let shares: [Float]

  init(_ target: LikeliestTokens, of block: VocabularyBlock) {
    self.target = target
    var found = Found(rows: block.rows.count, count: target.count)
    onElements { for row in 0..<block.rows.count { found.look(at: row, of: block, target) } }
    values = found.values
    factors = found.factors
    shares = found.shares
  }

  /// What is known of a block's rows.
  private struct Found {
    var values: [Float]
    var factors: [Float]
    var shares: [Float]

    init(rows: Int, count: Int) {
      values = [Float](repeating: 0, count: rows)
      factors = values
      shares = [Float](repeating: 0, count: rows * count)
    }

    mutating func look(at row: Int, of block: VocabularyBlock, _ target: LikeliestTokens) {
      let first = (block.rows.lowerBound + row) * target.count
      let logQ = target.logProbabilities[first..<first + target.count].map { Double($0) }
      let logP = target.ids[first..<first + target.count].map { block.logProbability(row, column: Int($0)) }
      let (sumQ, sumP) = (logQ.reduce(0) { $0 + exp($1) }, logP.reduce(0) { $0 + exp($1) })
      var all = 0.0
      switch target.rest {
      case .bucket:
        let (restQ, restP) = (1 - sumQ, max(1 - sumP, 1e-9))
        let known = zip(logQ, logP).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        values[row] = Float(known + (restQ > 0 ? restQ * (log(restQ) - log(restP)) : 0))
        factors[row] = Float(1 - max(0, restQ) / restP)
      case .none:
        all = log(sumQ)
        values[row] = Float(zip(logQ, logP).reduce(0) { $0 + exp($1.0 - all) * ($1.0 - all - $1.1) })
        factors[row] = 1
      }
      for (place, log) in logQ.enumerated() { shares[row * target.count + place] = Float(exp(log - all)) }
    }
  }

  /// The derivatives are p − q for the likeliest tokens, (1 − rest of q ÷ rest of p) p for the others.
  func derive(_ row: Int, _ chunk: Int, of block: VocabularyBlock, weight rowWeight: Float, plus: Float) {
    let start = block.view(chunk).from(row: row).pointer
    let columns = block.columns(chunk)
    let weight = target.weight * rowWeight
    let first = (block.rows.lowerBound + row) * target.count
    let factor = block.factor(row, chunk)
    // p of the likeliest ones in this chunk, before it is used up.
    let here = (0..<target.count).filter { columns.contains(Int(target.ids[first + $0])) }
    let kept = here.map { start[Int(target.ids[first + $0]) - columns.lowerBound] * factor }
    block.compute.kernels.functions.pointee.scale(start, (plus + weight * factors[row]) * factor, columns.count)
    for (place, p) in zip(here, kept) {
      let column = Int(target.ids[first + place]) - columns.lowerBound
      start[column] = plus * p + weight * (p - shares[row * target.count + place])
    }
  }
}

extension VocabularyBlock {
  /// log p of a column of a row; what is too small for a number of 32 bits counts as the smallest of them.
  func logProbability(_ row: Int, column: Int) -> Double {
    let chunk = column / VocabularyBlock.chunkWidth
    let kept = view(chunk).from(row: row).pointer[column - columns(chunk).lowerBound]
    let shift = maxima.pointer[chunk * rows.count + row] - logSums.pointer[row]
    return Double(logf(max(kept, Float.leastNormalMagnitude)) + shift)
  }

  /// The likeliest columns of each row with log p, the likeliest first, of equals the lower one: [rows, count].
  func likeliest(_ count: Int) -> (ids: [Int32], logProbabilities: [Float]) {
    var found: (ids: [Int32], logProbabilities: [Float]) = ([], [])
    for row in 0..<rows.count {
      var best: [(id: Int32, log: Float)] = []
      for chunk in 0..<chunks {
        let (start, columns) = (view(chunk).from(row: row).pointer, columns(chunk))
        let shift = maxima.pointer[chunk * rows.count + row] - logSums.pointer[row]
        if best.count == count, shift <= best[count - 1].log { continue }
        // What the least of the best is kept as in this chunk.
        var least = best.count == count ? expf(best[count - 1].log - shift) * (1 - 1e-6) : 0
        for column in 0..<columns.count where start[column] >= least {
          let log = logf(max(start[column], Float.leastNormalMagnitude)) + shift
          guard best.count < count || log > best[count - 1].log else { continue }
          let place = best.firstIndex { $0.log < log } ?? best.count
          best.insert((Int32(columns.lowerBound + column), log), at: place)
          if best.count > count { best.removeLast() }
          if best.count == count { least = expf(best[count - 1].log - shift) * (1 - 1e-6) }
        }
      }
      found.ids += best.map(\.id)
      found.logProbabilities += best.map(\.log)
    }
    return found
  }
}

extension Tape {
  /// The likeliest tokens of each row of x [L, C] with log p, the likeliest first: [L, count] each, row after row.
  ///
  /// Cost: the scores, a block of rows at a time.
  package func likeliestTokens(
    _ x: Variable, head: OutputHead, count: Int
  ) throws -> (ids: [Int32], logProbabilities: [Float]) {
    let targets = [Int32](repeating: 0, count: x.rows)
    try checkLabels(x, head, targets, "likeliest tokens")
    var found: (ids: [Int32], logProbabilities: [Float]) = ([], [])
    for rows in blocks(of: x.rows, vocabulary: head.outputs) {
      let block = VocabularyBlock(rows: rows, of: x.value, head: head, targets: targets, program: self.rows)
      let some = block.likeliest(min(count, head.outputs))
      found.ids += some.ids
      found.logProbabilities += some.logProbabilities
    }
    return found
  }
}
