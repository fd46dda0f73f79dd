import CTensorKernels
import Glibc

/// The scores of a block of rows over the whole vocabulary, in chunks of columns that the threads share.
///
/// A block has at most 256 rows and 2²⁴ scores (64 MB); the full [L, V] array never exists. Scores are kept as
/// e^(score − chunk maximum), so that turning them into gradients needs no second exponential.
package final class VocabularyBlock {
  var compute: Compute { program.compute }

  /// Columns of a chunk.
  static let chunkWidth = 2048

  /// Rows of a block, a function of the vocabulary's size alone.
  static func rows(vocabulary: Int) -> Int { max(16, min(256, (1 << 24) / max(1, vocabulary))) }

  let rows: Range<Int>
  let x: Tensor
  let head: OutputHead
  let targets: [Int32]
  let program: RowProgram
  let chunks: Int
  /// Chunk after chunk, [rows, width of the chunk] each.
  let scores: Tensor
  /// [chunks, rows] each.
  let maxima: Tensor
  private let sums: Tensor
  private var places: [Int]
  /// [chunks, rows] of Σ score; nil unless asked for.
  private let scoreSums: Tensor?
  /// [rows] each: log Σ e^score, log-probability of the target.
  let logSums: Tensor
  private(set) var logProbabilities: [Float]
  /// Whether the target is the first column with the largest score.
  private(set) var correct: [Bool]

  /// - `rows`: the rows of x in this block.
  /// - `x`: [L, C].
  /// - `targets`: a column for each row of x.
  /// - `sumsScores`: whether ``meanLogProbabilities`` are wanted; one more pass over the scores.
  init(
    rows: Range<Int>, of x: Tensor, head: OutputHead, targets: [Int32], program: RowProgram, sumsScores: Bool = false
  ) {
    self.rows = rows
    self.x = x
    self.head = head
    self.targets = targets
    self.program = program
    chunks = (head.outputs + VocabularyBlock.chunkWidth - 1) / VocabularyBlock.chunkWidth
    scores = Tensor(uninitialized: [rows.count, head.outputs])
    maxima = Tensor(uninitialized: [chunks, rows.count])
    sums = Tensor(uninitialized: [chunks, rows.count])
    places = [Int](repeating: 0, count: chunks * rows.count)
    scoreSums = sumsScores ? Tensor(uninitialized: [chunks, rows.count]) : nil
    logSums = Tensor(uninitialized: [rows.count])
    logProbabilities = [Float](repeating: 0, count: rows.count)
    correct = [Bool](repeating: false, count: rows.count)
    score()
    onElements { combine() }
  }

  func columns(_ chunk: Int) -> Range<Int> {
    chunk * VocabularyBlock.chunkWidth..<min(head.outputs, (chunk + 1) * VocabularyBlock.chunkWidth)
  }

  func view(_ chunk: Int) -> MatrixView {
    let columns = columns(chunk)
    return MatrixView(scores.pointer + rows.count * columns.lowerBound, stride: columns.count)
  }

  /// The chunk that holds a row's target.
  func chunkOfTarget(_ row: Int) -> Int { Int(targets[rows.lowerBound + row]) / VocabularyBlock.chunkWidth }

  private func score() {
    let matrix = head.weight.forward(rows: rows.count, on: program)
    let left = LeftOperand(
      MatrixView(x).from(row: rows.lowerBound), rows: rows.count, k: x.columns, for: CollectionOfOne(matrix),
      compute.kernels.functions)
    // The score of each target, and the sum of all, before the exponentials take their place.
    logProbabilities.withUnsafeMutableBufferPointer { raw in
      places.withUnsafeMutableBufferPointer { places in
        guard let raw = raw.baseAddress, let places = places.baseAddress else { return }
        compute.pool.tiles(chunks) { chunk in
          let columns = columns(chunk)
          let view = view(chunk)
          matrix.multiply(left, columns: columns, into: view, accumulates: false)
          for row in 0..<rows.count {
            finish(view.pointer + row * view.stride, columns)
            if chunkOfTarget(row) == chunk {
              raw[row] = view.pointer[row * view.stride + Int(targets[rows.lowerBound + row]) - columns.lowerBound]
            }
            let place = chunk * rows.count + row
            if let scoreSums {
              let scores = view.pointer + row * view.stride
              scoreSums.pointer[place] = Float((0..<columns.count).reduce(0.0) { $0 + Double(scores[$1]) })
            }
            sums.pointer[place] = compute.kernels.functions.pointee.exp_row(
              view.pointer + row * view.stride, columns.count, maxima.pointer + place, places + place)
          }
        }
      }
    }
  }

  /// What a row's products go through before they are scores.
  private func finish(_ scores: UnsafeMutablePointer<Float>, _ columns: Range<Int>) {
    let kernels = compute.kernels.functions
    if let bias = head.bias {
      kernels.pointee.add(scores, scores, bias.value.pointer + columns.lowerBound, columns.count)
    }
    if let cap = head.softCap { kernels.pointee.soft_cap(scores, nil, columns.count, cap) }
    if head.temperature != 1 { kernels.pointee.scale(scores, 1 / head.temperature, columns.count) }
  }

  /// The mean of log p over the vocabulary, of each row; nil where it was not asked for.
  var meanLogProbabilities: [Float]? {
    scoreSums.map { sums in
      var means = [Float](repeating: 0, count: rows.count)
      onElements {
        for row in 0..<rows.count {
          let sum = (0..<chunks).reduce(0.0) { $0 + Double(sums.pointer[$1 * rows.count + row]) }
          means[row] = Float(sum / Double(head.outputs) - Double(logSums.pointer[row]))
        }
      }
      return means
    }
  }

  private func combine() {
    for row in 0..<rows.count {
      var best = 0
      for chunk in 0..<chunks where maxima.pointer[chunk * rows.count + row] > maxima.pointer[best * rows.count + row] {
        best = chunk
      }
      let maximum = maxima.pointer[best * rows.count + row]
      var sum = 0.0
      for chunk in 0..<chunks {
        let place = chunk * rows.count + row
        sum += Double(sums.pointer[place]) * exp(Double(maxima.pointer[place]) - Double(maximum))
      }
      let logSum = Double(maximum) + log(sum)
      logSums.pointer[row] = Float(logSum)
      logProbabilities[row] = Float(Double(logProbabilities[row]) - logSum)
      correct[row] =
        best * VocabularyBlock.chunkWidth + places[best * rows.count + row] == Int(targets[rows.lowerBound + row])
    }
  }
}
