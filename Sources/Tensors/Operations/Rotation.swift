extension Tape {
  /// The rotations of skew-symmetric blocks: R = (I − Q)(I + Q)⁻¹ (Cayley), or the first terms of a series for it.
  ///
  /// - `skew`: [n, b, b].
  /// - `terms`: I + 2Q + 2Q² + … + Q^(terms − 1), as PEFT cuts it; nil for the whole.
  /// - Result: [n, b, b].
  package func rotations(_ skew: Variable, terms: Int?) -> Variable {
    let q = skew.value
    let (count, size) = (q.shape[0], q.shape[2])
    let value = Tensor(uninitialized: q.shape)
    let compute = compute
    let blocks = (0..<count).map { block in
      RotationBlock(size: size, q.pointer + block * size * size, RotationBlock.factors(terms))
    }
    compute.pool.tiles(count) { blocks[$0].rotate(into: value.pointer + $0 * size * size) }
    return derived(from: [skew], value) { dy in
      let gradient = Tensor(uninitialized: q.shape)
      compute.pool.tiles(count) { block in
        let start = block * size * size
        blocks[block].gradient(dy.pointer + start, into: gradient.pointer + start)
      }
      return [gradient]
    }
  }
}

/// One block of ``Tape/rotations(_:terms:)``.
private struct RotationBlock: Sendable {
  let size: Int
  /// Q of the block, a copy.
  private let q: Tensor
  /// Of the powers of Q; empty for the whole.
  private let factors: [Float]

  init(size: Int, _ q: UnsafeMutablePointer<Float>, _ factors: [Float]) {
    self.size = size
    self.q = Tensor(uninitialized: [size, size])
    self.factors = factors
    onElements { self.q.pointer.update(from: q, count: size * size) }
  }

  /// 1, 2, 2, …, 1.
  static func factors(_ terms: Int?) -> [Float] {
    guard let terms else { return [] }
    if terms <= 1 { return [1] }
    if terms == 2 { return [1, 2] }
    return [1] + [Float](repeating: 2, count: max(2, terms - 2)) + [1]
  }

  func rotate(into target: UnsafeMutablePointer<Float>) {
    let rotation = factors.isEmpty ? whole() : steps()[factors.count - 1]
    target.update(from: rotation.pointer, count: size * size)
  }

  /// (I − Q)(I + Q)⁻¹.
  private func whole() -> Tensor {
    let left = Tensor(uninitialized: [size, size])
    for index in 0..<size * size { left.pointer[index] = (index % (size + 1) == 0 ? 1 : 0) - q.pointer[index] }
    let rotation = Tensor(uninitialized: [size, size])
    product(left, inverseOfSum(), into: rotation)
    return rotation
  }

  /// Horner's steps: the last factor, that times Q plus the one before, and so on.
  private func steps() -> [Tensor] {
    var steps: [Tensor] = []
    for factor in factors.reversed() {
      let step = Tensor(shape: [size, size])
      if let last = steps.last { product(last, q, into: step) }
      for row in 0..<size { step.pointer[row * size + row] += factor }
      steps.append(step)
    }
    return steps
  }

  func gradient(_ dy: UnsafeMutablePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    var flow = Tensor(uninitialized: [size, size])
    flow.pointer.update(from: dy, count: size * size)
    let sum = Tensor(shape: [size, size])
    if factors.isEmpty {
      // −(I + R)ᵀ dR (I + Q)⁻ᵀ.
      let rotation = whole()
      for row in 0..<size { rotation.pointer[row * size + row] += 1 }
      let half = Tensor(uninitialized: [size, size])
      product(rotation, transposesA: true, flow, into: half)
      product(half, inverseOfSum(), transposesB: true, into: sum, scale: -1)
    } else {
      let steps = steps()
      for index in stride(from: steps.count - 1, to: 0, by: -1) {
        product(steps[index - 1], transposesA: true, flow, into: sum, accumulates: true)
        let next = Tensor(uninitialized: [size, size])
        product(flow, q, transposesB: true, into: next)
        flow = next
      }
    }
    target.update(from: sum.pointer, count: size * size)
  }

  /// A product whose operands live as long as it takes.
  private func product(
    _ a: Tensor, transposesA: Bool = false, _ b: Tensor, transposesB: Bool = false, into c: Tensor, scale: Float = 1,
    accumulates: Bool = false
  ) {
    withExtendedLifetime((a, b, c)) {
      multiply(
        MatrixView(a), transposesA: transposesA, MatrixView(b), transposesB: transposesB, into: MatrixView(c), m: size,
        n: size, k: size, scale: scale, accumulates: accumulates)
    }
  }

  /// (I + Q)⁻¹, by elimination with pivots; a skew-symmetric Q always has one.
  private func inverseOfSum() -> Tensor {
    var rows = (0..<size).map { row in
      (0..<size).map { Double(q.pointer[row * size + $0]) + (row == $0 ? 1 : 0) }
        + (0..<size).map { row == $0 ? 1.0 : 0 }
    }
    for column in 0..<size {
      let pivot = (column..<size).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      rows.swapAt(column, pivot)
      let factor = 1 / rows[column][column]
      for place in column..<2 * size { rows[column][place] *= factor }
      for row in 0..<size where row != column && rows[row][column] != 0 {
        let share = rows[row][column]
        for place in column..<2 * size { rows[row][place] -= share * rows[column][place] }
      }
    }
    let inverse = Tensor(uninitialized: [size, size])
    for row in 0..<size {
      for column in 0..<size { inverse.pointer[row * size + column] = Float(rows[row][size + column]) }
    }
    return inverse
  }
}
