import Tensors

/// Goes through a model block by block with some texts, and finds out about what the linear maps read.
///
/// Between two blocks it keeps the hidden states of all texts, tokens · C floats, and of one block the sums that are asked
/// for: in² doubles for each input of width `in` that some of its maps read. The texts go through each block once.
package final class InputSurvey {
  /// What is found out.
  package enum Kind: Sendable, Hashable {
    /// Directions of the largest variance of the tokens that are marked (EVA, arXiv:2410.07170).
    case variance
    /// Triples of W times the covariance, from one end (CorDA, arXiv:2406.05223).
    case weighted(SingularTriples.End)
  }

  private let model: LanguageModel
  private let kind: Kind
  private var batches: [Batch]
  private let watch: () throws -> Void
  private let watcher = MapWatcher()
  private var next = 0

  private struct Batch {
    var context: AttentionContext
    /// Where each text begins, and where the last one ends.
    var starts: [Int]
    /// Which tokens count.
    var marks: [Bool]
    /// [T, C].
    var hidden: Tensor
  }

  /// - Parameters:
  ///   - model: Without an adapter; nobody else may use it afterwards.
  ///   - texts: Token ids, each with the mark whether it counts where single tokens do.
  ///   - tokenBudget: The most tokens that are computed together, but for a longer text.
  ///   - watch: Asked before each piece of work; what it throws ends it.
  /// - Throws: What computing throws.
  package init(
    _ model: LanguageModel, _ kind: Kind, texts: [(ids: [Int32], marks: [Bool])], tokenBudget: Int,
    watch: @escaping () throws -> Void
  ) throws {
    self.model = model
    self.kind = kind
    self.watch = watch
    batches = try microBatches(lengths: texts.map(\.ids.count), budget: tokenBudget).map { run in
      try watch()
      let lengths = texts[run].map(\.ids.count)
      let context = AttentionContext.packed(SequenceLayout(lengths: lengths))
      let tape = Tape(compute: model.compute, records: false)
      let hidden = try model.embedding(tape, texts[run].flatMap(\.ids), context, noise: nil)
      return Batch(
        context: context, starts: lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) },
        marks: texts[run].flatMap(\.marks), hidden: hidden.value)
    }
    for layer in model.blocks.indices {
      var index = 0
      model.blocks[layer].updateMaps { map in
        map.attach(WatchedMap(index: index, watcher: watcher))
        index += 1
      }
    }
  }

  /// What is found out about some maps of a block; of variances the shares of all of it.
  ///
  /// - Parameters:
  ///   - layer: A block that was not asked for, behind all that were.
  ///   - maps: Names in the block, such as `self_attn.q_proj`.
  ///   - count: How many triples of each at most.
  ///   - weight: Reads the weight [out, in] of a map.
  package func findings(
    of layer: Int, maps: [String], count: Int, weight: (String) throws -> Tensor
  ) throws -> [String: SingularTriples] {
    precondition(layer >= next, "The texts have gone through block \(layer) already")
    while next < layer { try pass { _, _, _ in } }
    let all = model.blocks[layer].maps.map(\.configuration.name)
    let wanted = Set(maps)
    var sums: [InputSums] = []
    var places: [Int: Int] = [:]
    try pass { [self] batch, index, x in
      guard wanted.contains(all[index]) else { return }
      // Maps of one input share their sums.
      if let last = watcher.last, last.input === x {
        places[index] = places[last.index]
        return
      }
      watcher.last = (x, index)
      if places[index] == nil {
        places[index] = sums.count
        sums.append(InputSums(width: x.value.columns))
      }
      if let place = places[index] { add(x.value, of: batch, to: sums[place]) }
    }
    return try found(
      all.enumerated().compactMap { index, name in places[index].map { (name, sums[$0]) } }, count, weight)
  }

  /// Takes the texts through the next block.
  private func pass(_ look: @escaping (Batch, Int, Variable) -> Void) throws {
    for index in batches.indices {
      try watch()
      let batch = batches[index]
      watcher.last = nil
      watcher.look = { look(batch, $0, $1) }
      let tape = Tape(compute: model.compute, records: false)
      let hidden = try model.blocks[next](
        tape, Variable(batch.hidden), layer: next, batch.context, recomputesAttention: false)
      batches[index].hidden = hidden.value
    }
    (watcher.look, watcher.last) = (nil, nil)
    next += 1
  }

  private func add(_ x: Tensor, of batch: Batch, to sums: InputSums) {
    switch kind {
    case .variance:
      let rows = batch.marks.indices.filter { batch.marks[$0] }
      guard !rows.isEmpty else { return }
      let picked = Tensor(uninitialized: [rows.count, x.columns])
      for (place, row) in rows.enumerated() {
        (picked.pointer + place * x.columns).update(from: x.pointer + row * x.columns, count: x.columns)
      }
      sums.add(picked, count: rows.count, compute: model.compute)
    case .weighted:
      // Each text by itself, by its largest element, so that none outweighs the others.
      let scaled = x.copy()
      for (start, end) in zip(batch.starts, batch.starts.dropFirst()) where end > start {
        let range = start * x.columns..<end * x.columns
        let most = abs(range.reduce(-Float.infinity) { max($0, x.pointer[$1]) })
        for index in range { scaled.pointer[index] = most > 0 ? scaled.pointer[index] / most : 0 }
      }
      sums.add(scaled, count: batch.starts.count - 1, compute: model.compute)
    }
  }

  /// What follows from the sums, for several maps at a time.
  private func found(
    _ maps: [(name: String, sums: InputSums)], _ count: Int, _ weight: (String) throws -> Tensor
  ) throws -> [String: SingularTriples] {
    let pool = model.compute.pool
    switch kind {
    case .variance:
      var inputs: [InputSums] = []
      for (_, sums) in maps where !inputs.contains(where: { $0 === sums }) { inputs.append(sums) }
      try watch()
      let found = pool.made(inputs.count) {
        SingularTriples(ofSymmetric: inputs[$0].covariance(), side: inputs[$0].width, count: count)
      }
      return Dictionary(
        uniqueKeysWithValues: maps.map { name, sums in
          var triples = SingularTriples(values: [], left: [], right: [])
          if let place = inputs.firstIndex(where: { $0 === sums }) {
            triples = found[place]
            // Shares of all of the variance.
            let total = sums.totalVariance()
            triples.values = triples.values.map { total > 0 ? $0 / total : 0 }
          }
          return (name, triples)
        })
    case .weighted(let end):
      let weights = try maps.map { try weight($0.name) }
      try watch()
      let found = pool.made(maps.count) { maps[$0].sums.weighted(weights[$0], count: count, end) }
      return Dictionary(uniqueKeysWithValues: zip(maps, found).map { ($0.name, $1) })
    }
  }
}

/// Sums over what a map reads: Σ x and Σ xxᵀ.
private final class InputSums: @unchecked Sendable {
  let width: Int
  private var count = 0
  private var sum: [Double]
  /// [width, width].
  private var products: [Double]

  init(width: Int) {
    self.width = width
    sum = [Double](repeating: 0, count: width)
    products = [Double](repeating: 0, count: width * width)
  }

  /// - Parameter count: What the rows of x count.
  func add(_ x: Tensor, count: Int, compute: Compute) {
    self.count += count
    let product = compute.product(x, transposesA: true, x)
    products.withUnsafeMutableBufferPointer { products in
      guard let products = products.baseAddress else { return }
      compute.pool.tiles(width) { row in
        for index in row * width..<(row + 1) * width { products[index] += Double(product.pointer[index]) }
      }
    }
    for row in 0..<x.rows {
      for column in 0..<width { sum[column] += Double(x.pointer[row * width + column]) }
    }
  }

  /// The covariance of the rows around their mean.
  func covariance() -> [Double] {
    let count = Double(max(1, count))
    var result = products
    for row in 0..<width {
      let mean = sum[row] / count
      for column in 0..<width {
        result[row * width + column] = products[row * width + column] / count - mean * sum[column] / count
      }
    }
    return result
  }

  func totalVariance() -> Double {
    let count = Double(max(1, count))
    return (0..<width).reduce(0) {
      $0 + max(0, products[$1 * width + $1] / count - (sum[$1] / count) * (sum[$1] / count))
    }
  }

  /// U and S of W C = U S Vᵀ for the covariance C around zero, a hundredth of its mean diagonal added to the diagonal; and
  /// S⁻¹ UᵀW, which is Vᵀ C⁻¹, without an inverse.
  func weighted(_ weight: Tensor, count wanted: Int, _ end: SingularTriples.End) -> SingularTriples {
    let count = Double(max(1, count))
    var covariance = products.map { $0 / count }
    let mean = (0..<width).reduce(0) { $0 + covariance[$1 * width + $1] } / Double(width)
    for index in 0..<width { covariance[index * width + index] += mean > 0 ? mean / 100 : 1 }
    let plain = weight.buffer.map(Double.init)
    let product = LinearAlgebra.product(plain, covariance, m: weight.rows, n: width, k: width)
    var triples = SingularTriples(of: product, rows: weight.rows, columns: width, count: wanted, end)
    triples.right = LinearAlgebra.product(triples.left, plain, m: triples.count, n: width, k: weight.rows)
    for row in 0..<triples.count {
      let value = triples.values[row]
      for index in row * width..<(row + 1) * width {
        triples.right[index] = value > 1e-200 ? triples.right[index] / value : 0
      }
    }
    return triples
  }
}

extension ThreadPool {
  /// Triples that are made at the same time, in the order of their numbers.
  package func made(_ count: Int, _ make: (Int) -> SingularTriples) -> [SingularTriples] {
    var all = [SingularTriples](repeating: SingularTriples(values: [], left: [], right: []), count: count)
    all.withUnsafeMutableBufferPointer { all in
      guard let all = all.baseAddress else { return }
      tiles(count) { all[$0] = make($0) }
    }
    return all
  }
}

/// Sees what maps read.
private final class MapWatcher {
  var look: ((Int, Variable) -> Void)?
  /// What was read last, and by which map.
  var last: (input: Variable, index: Int)?
}

/// A map as it is, which tells what it reads.
private struct WatchedMap: MapAdapter {
  /// Its place among the maps of its block.
  let index: Int
  let watcher: MapWatcher

  var parameters: [Parameter] { [] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    watcher.look?(index, x)
    return tape.project(x, [base])[0]
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor { weight }
}
