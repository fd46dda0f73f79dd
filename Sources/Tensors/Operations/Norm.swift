import CTensorKernels

/// What a norm does with the elements of a row, or of each head of it.
package struct NormFunction: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// x / √(mean(x²) + ε) (Zhang and Sennrich 2019).
    case rootMeanSquare
    /// (x − mean) / √(variance + ε) (Ba et al. 2016).
    case layer
  }

  package var kind: Kind
  package var epsilon: Float
  /// What is added to the stored weight: 1 where it is a difference from 1.
  package var weightOffset: Float

  package init(_ kind: Kind, epsilon: Float, weightOffset: Float = 0) {
    self.kind = kind
    self.epsilon = epsilon
    self.weightOffset = weightOffset
  }
}

/// What the elements of a norm are multiplied by, and what is added: C numbers, or C for each head, in one parameter or in
/// several, one after the other.
package struct NormWeights {
  package var weights: [Parameter]
  package var bias: Parameter?

  package init(weights: [Parameter], bias: Parameter? = nil) {
    self.weights = weights
    self.bias = bias
  }

  package init(weight: Parameter?, bias: Parameter? = nil) {
    self.init(weights: [weight].compactMap { $0 }, bias: bias)
  }

  package var parameters: [Parameter] { weights + [bias].compactMap { $0 } }

  /// The weights as kernels multiply with them; nil for ones.
  fileprivate func values(raisedBy offset: Float) -> Tensor? {
    if weights.count == 1, offset == 0 { return weights[0].value }
    let all = weights.flatMap { $0.value.values.map { $0 + offset } }
    return weights.isEmpty ? nil : Tensor(shape: [all.count], values: all)
  }
}

extension Tape {
  /// The norm of each row, or of each `width` elements of it, times the weights.
  ///
  /// - `x`: [T, heads · C].
  /// - `width`: C; all elements of a row when nil.
  package func norm(_ x: Variable, _ function: NormFunction, _ weights: NormWeights, width: Int? = nil) -> Variable {
    normalise(x, adding: nil, function, weights, width: width ?? x.stored.columns).normed
  }

  /// The sum of two arrays and its norm in one pass over memory.
  package func addNorm(
    _ residual: Variable, _ x: Variable, _ function: NormFunction, _ weights: NormWeights
  ) -> (sum: Variable, normed: Variable) {
    precondition(residual.stored.shape == x.stored.shape, "A sum needs arrays of one shape")
    return normalise(x, adding: residual, function, weights, width: x.stored.columns)
  }

  private func normalise(
    _ x: Variable, adding residual: Variable?, _ function: NormFunction, _ weights: NormWeights, width: Int
  ) -> (sum: Variable, normed: Variable) {
    let count = x.stored.rows
    let inputNeeds = x.needsGradient || residual?.needsGradient == true
    let sum = residual == nil ? x : Variable(x.stored.shape, of: rows, needsGradient: inputNeeds)
    let wanted = weights.parameters.contains { wantsGradient(of: $0) }
    let normed = Variable(x.stored.shape, of: rows, needsGradient: inputNeeds || wanted)
    let (input, before, added, output) = (x.stored, residual?.stored, sum.stored, normed.stored)
    let pass = NormPass(function, weights, width: width, columns: x.stored.columns, rows: count, compute)
    rows.add(rows: count, [input, added, output] + [before].compactMap { $0 }) { tile in
      pass.forward(
        output.first(of: tile), sum: added.first(of: tile), adding: before.map { UnsafePointer($0.first(of: tile)) },
        input.first(of: tile), tile.rows)
    }
    guard let node = normed.node else { return (sum, normed) }

    let saved = keep(added)
    record { [rows, sum = sum.node, x = x.node, residual = residual?.node, isSum = residual != nil] in
      if let dy = node.take()?.array {
        let partial = wanted ? pass.partialSums() : nil
        let (dx, accumulates) = sum?.target(rows) ?? (RowArray(dy.shape), false)
        rows.add(rows: count, [dy, saved, dx]) { tile in
          pass.backward(
            dx.first(of: tile), partial, dy.first(of: tile), saved.first(of: tile), tile.rows,
            accumulates: accumulates)
        }
        if let partial { rows.finally(pass.gradients(partial, of: weights)) }
      }
      if isSum, let dsum = sum?.take() {
        x?.accumulate(dsum, rows)
        residual?.accumulate(dsum, rows)
      }
    }
    return (sum, normed)
  }
}

/// One norm of rows, forward and backward.
private final class NormPass {
  private let function: NormFunction
  /// C.
  private let width: Int
  /// Parts of a row that are normed each by itself.
  private let heads: Int
  /// As the kernels multiply with it, the offset added: [C] or [heads, C].
  private let weight: Tensor?
  private let bias: Tensor?
  private let rows: Int
  private let tileRows: Int
  /// [rows, heads] each; means of layer norms alone.
  private let inverse: Tensor
  private let mean: Tensor?
  private let kernels: UnsafePointer<tk_kernels>

  init(
    _ function: NormFunction, _ weights: NormWeights, width: Int, columns: Int, rows: Int, _ compute: Compute
  ) {
    precondition(function.kind == .layer || !weights.weights.isEmpty, "A root mean square norm has a weight")
    precondition(columns % width == 0, "Rows of \(columns) do not divide into heads of \(width)")
    heads = columns / width
    self.function = function
    self.width = width
    self.rows = rows
    kernels = compute.kernels.functions
    tileRows = RowProgram.tileRows(of: rows)
    weight = weights.values(raisedBy: function.weightOffset)
    bias = weights.bias?.value
    for count in [weight?.count, bias?.count].compactMap({ $0 }) {
      precondition([width, columns].contains(count), "The norm has \(count) weights for rows of \(width)")
    }
    inverse = Tensor(uninitialized: [rows, heads])
    mean = function.kind == .layer ? Tensor(uninitialized: [rows, heads]) : nil
  }

  /// Whether each head has weights of its own.
  private var hasOwnWeights: Bool { heads > 1 && [weight, bias].contains { ($0?.count ?? 0) > width } }

  /// Neighbouring parts of rows that have the same weights: the first of them, how many, and whose weights.
  private func runs(_ tile: Range<Int>) -> [(first: Int, count: Int, head: Int)] {
    if !hasOwnWeights { return [(tile.lowerBound * heads, tile.count * heads, 0)] }
    return (tile.lowerBound * heads..<tile.upperBound * heads).map { ($0, 1, $0 % heads) }
  }

  private func weight(_ head: Int) -> UnsafeMutablePointer<Float>? { weight.map { $0.pointer + head * width } }
  private func bias(_ head: Int) -> UnsafeMutablePointer<Float>? { bias.map { $0.pointer + head * width } }

  func forward(
    _ y: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Float>, adding a: UnsafePointer<Float>?,
    _ x: UnsafePointer<Float>, _ tile: Range<Int>
  ) {
    for (first, count, head) in runs(tile) {
      let place = (first - tile.lowerBound * heads) * width
      if let mean {
        kernels.pointee.layer_norm(
          y + place, mean.pointer + first, inverse.pointer + first, sum + place, a.map { $0 + place }, x + place,
          weight(head), bias(head), count, width, function.epsilon)
      } else {
        kernels.pointee.rms_norm(
          y + place, inverse.pointer + first, sum + place, a.map { $0 + place }, x + place, weight(head), count, width,
          function.epsilon)
      }
    }
  }

  /// A row of sums a tile for the gradient of the weight, then one for that of the bias.
  func partialSums() -> Tensor {
    Tensor(shape: [(rows + tileRows - 1) / tileRows, 2 * max(width, weight?.count ?? 0, bias?.count ?? 0)])
  }

  func backward(
    _ dx: UnsafeMutablePointer<Float>, _ partial: Tensor?, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ tile: Range<Int>, accumulates: Bool
  ) {
    let sums = partial.map { $0.pointer + tile.lowerBound / tileRows * $0.columns }
    let half = (partial?.columns ?? 0) / 2
    for (first, count, head) in runs(tile) {
      let place = (first - tile.lowerBound * heads) * width
      let dw = weight == nil ? nil : sums.map { $0 + head * width }
      let adds: Int32 = accumulates ? 1 : 0
      if let mean {
        kernels.pointee.layer_norm_backward(
          dx + place, dw, bias == nil ? nil : sums.map { $0 + half + head * width }, dy + place, x + place,
          weight(head), mean.pointer + first, inverse.pointer + first, count, width, adds)
      } else {
        kernels.pointee.rms_norm_backward(
          dx + place, dw, dy + place, x + place, weight(head), inverse.pointer + first, count, width, adds)
      }
    }
  }

  /// The sums of the tiles' sums, as pieces of work to do once all rows are worked off.
  func gradients(_ partial: Tensor, of weights: NormWeights) -> [() -> Void] {
    var parts: [(parameter: Parameter, start: Int)] = []
    var start = 0
    for parameter in weights.weights {
      parts.append((parameter, start))
      start += parameter.value.count
    }
    if let bias = weights.bias { parts.append((bias, partial.columns / 2)) }
    return parts.filter(\.parameter.isTrainable).map { parameter, start in
      let gradient = parameter.gradientForAccumulation()
      return { [kernels] in
        for tile in 0..<partial.rows {
          kernels.pointee.add(
            gradient.pointer, gradient.pointer, partial.pointer + tile * partial.columns + start, gradient.count)
        }
      }
    }
  }
}
