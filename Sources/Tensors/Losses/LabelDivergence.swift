import CTensorKernels
import Glibc

/// What the distributions p of labels over the vocabulary are held to.
package protocol DistributionTarget {
  /// What being unlike it counts.
  var weight: Float { get }
  func check(rows: Int, _ own: OutputHead, _ operation: String) throws
  /// How far the rows of a block are from it.
  func block(_ own: VocabularyBlock) -> any BlockDivergence
}

/// How far the distributions of a block's rows are from what they are held to.
package protocol BlockDivergence {
  /// Of each row.
  var values: [Float] { get }

  /// Turns the scores of a row in a chunk into c p + w · the derivative of the divergence by the scores.
  ///
  /// - Parameters:
  ///   - weight: What the divergence counts in the row, before its own weight.
  ///   - plus: c.
  func derive(_ row: Int, _ chunk: Int, of block: VocabularyBlock, weight: Float, plus: Float)
}

/// Another model's distribution q over the vocabulary at each label, which the model's p is held to.
package struct LabelDivergence: DistributionTarget {
  package enum Direction: Sendable, Hashable {
    /// KL(q ‖ p): p has to be likely wherever q is.
    case forward
    /// KL(p ‖ q): p must not be likely where q is not.
    case reverse
    /// β · KL(q ‖ m) + (1 − β) · KL(p ‖ m) with m = βq + (1 − β)p, 0 < β < 1 (arXiv:2306.13649).
    case jensenShannon(Double)
  }

  /// What the other model's head reads, [L, its C].
  package var hidden: Tensor
  package var head: OutputHead
  package var direction: Direction
  /// What it counts.
  package var weight: Float

  package init(hidden: Tensor, head: OutputHead, direction: Direction = .forward, weight: Float) {
    self.hidden = hidden
    self.head = head
    self.direction = direction
    self.weight = weight
  }

  package func check(rows: Int, _ own: OutputHead, _ operation: String) throws {
    guard hidden.shape == [rows, head.inputs] else {
      throw TensorError.shape(
        operation: operation, name: "other hidden states", expected: [rows, head.inputs], found: hidden.shape)
    }
    guard head.outputs == own.outputs else {
      throw TensorError.countMismatch(
        operation: operation, name: "other vocabulary", expected: own.outputs, found: head.outputs)
    }
  }

  package func block(_ own: VocabularyBlock) -> any BlockDivergence { ModelDivergence(self, of: own) }
}

/// How far the distributions of a block's rows are from another model's.
///
/// Cost: the other model's scores, and two passes over the vocabulary with a logarithm for each.
struct ModelDivergence: BlockDivergence {
  private let other: VocabularyBlock
  private let direction: LabelDivergence.Direction
  private let weight: Float
  let values: [Float]
  /// KL(p ‖ m) of each row; empty where there is no m.
  private var ownShares: [Float] = []

  init(_ divergence: LabelDivergence, of block: VocabularyBlock) {
    let other = VocabularyBlock(
      rows: block.rows, of: divergence.hidden, head: divergence.head, targets: block.targets, program: block.program)
    (self.other, direction, weight) = (other, divergence.direction, divergence.weight)
    let count = block.rows.count
    let direction = direction
    func sums(_ term: (_ p: Double, _ q: Double) -> Double) -> [Double] {
      var sums = [Double](repeating: 0, count: block.chunks * count)
      sums.withUnsafeMutableBufferPointer { sums in
        guard let sums = sums.baseAddress else { return }
        block.compute.pool.tiles(block.chunks) { chunk in
          for row in 0..<count {
            let (own, theirs) = (block.logs(row, chunk), other.logs(row, chunk))
            sums[chunk * count + row] = (0..<block.columns(chunk).count).reduce(0.0) { sum, column in
              sum + term(Double(own(column)), Double(theirs(column)))
            }
          }
        }
      }
      return (0..<count).map { row in (0..<block.chunks).reduce(0.0) { $0 + sums[$1 * count + row] } }
    }
    switch direction {
    case .forward: values = sums { exp($1) * ($1 - $0) }.map { Float($0) }
    case .reverse: values = sums { exp($0) * ($0 - $1) }.map { Float($0) }
    case .jensenShannon(let beta):
      let own = sums { exp($0) * ($0 - Self.middle($0, $1, beta)) }
      let theirs = sums { exp($1) * ($1 - Self.middle($0, $1, beta)) }
      values = zip(own, theirs).map { Float((1 - beta) * $0 + beta * $1) }
      ownShares = own.map { Float($0) }
    }
  }

  /// log m, from log p and log q.
  private static func middle(_ p: Double, _ q: Double, _ beta: Double) -> Double {
    let (a, b) = (log(beta) + q, log(1 - beta) + p)
    return max(a, b) + log1p(exp(-abs(a - b)))
  }

  /// The derivatives are w(p − q) for the forward one, w p (log p − log q − KL) for the reverse one, and
  /// w (1 − β) p (log p − log m − KL(p ‖ m)) for the third.
  func derive(_ row: Int, _ chunk: Int, of block: VocabularyBlock, weight rowWeight: Float, plus: Float) {
    let start = block.view(chunk).from(row: row).pointer
    let count = block.columns(chunk).count
    let weight = weight * rowWeight
    let kernels = block.compute.kernels.functions
    switch direction {
    case .forward:
      kernels.pointee.scale(start, (plus + weight) * block.factor(row, chunk), count)
      kernels.pointee.axpy(
        start, -weight * other.factor(row, chunk), other.view(chunk).from(row: row).pointer, count)
    case .reverse:
      let (own, theirs, factor) = (block.logs(row, chunk), other.logs(row, chunk), block.factor(row, chunk))
      for column in 0..<count {
        start[column] *= factor * (plus + weight * (own(column) - theirs(column) - values[row]))
      }
    case .jensenShannon(let beta):
      let (own, theirs, factor) = (block.logs(row, chunk), other.logs(row, chunk), block.factor(row, chunk))
      for column in 0..<count {
        let (p, q) = (own(column), theirs(column))
        let away = p - Float(Self.middle(Double(p), Double(q), beta)) - ownShares[row]
        start[column] *= factor * (plus + weight * Float(1 - beta) * away)
      }
    }
  }
}

extension VocabularyBlock {
  /// log p of a column of a row's chunk; what is too small for a number of 32 bits counts as the smallest of them.
  fileprivate func logs(_ row: Int, _ chunk: Int) -> (Int) -> Float {
    let kept = view(chunk).from(row: row).pointer
    let shift = maxima.pointer[chunk * rows.count + row] - logSums.pointer[row]
    return { logf(max(kept[$0], Float.leastNormalMagnitude)) + shift }
  }
}
