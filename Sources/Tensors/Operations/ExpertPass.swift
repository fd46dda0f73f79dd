import CTensorKernels

/// The experts of one layer at work on the rows of a batch.
///
/// A place is a row with one of its experts: place t · k + j is row t's j-th.
final class ExpertPass {
  /// [T, C].
  private let input: Tensor
  /// [T, k].
  private let weights: Tensor
  private let experts: [Expert]
  private let function: GatedActivation
  private let program: RowProgram
  /// The places of each expert that has any, in ascending order.
  private let groups: [(expert: Int, places: [Int])]

  private var compute: Compute { program.compute }
  private var kernels: UnsafePointer<tk_kernels> { compute.kernels.functions }
  private var width: Int { input.columns }
  /// k.
  private var perRow: Int { weights.columns }

  init(
    input: Tensor, weights: Tensor, chosen: [Int32], experts: [Expert], function: GatedActivation,
    program: RowProgram
  ) {
    self.input = input
    self.weights = weights
    self.experts = experts
    self.function = function
    self.program = program
    var places = [[Int]](repeating: [], count: experts.count)
    for (place, expert) in chosen.enumerated() { places[Int(expert)].append(place) }
    groups = places.enumerated().compactMap { $0.element.isEmpty ? nil : ($0.offset, $0.element) }
  }

  /// Rows of an expert that are worked on at a time.
  private static let rows = 64

  /// The packed forms of an expert's matrices, made before threads share the work.
  private struct Packed {
    let gate: any PackedWeight
    let up: any PackedWeight
    let down: any PackedWeight
  }

  private func forwardMatrices() -> [Packed] {
    groups.map { expert, places in
      let (expert, rows) = (experts[expert], places.count)
      return Packed(
        gate: expert.gate.forward(rows: rows, on: program), up: expert.up.forward(rows: rows, on: program),
        down: expert.down.forward(rows: rows, on: program))
    }
  }

  /// Some places of an expert with what it made of their rows.
  private struct Chunk {
    let places: ArraySlice<Int>
    /// [rows, C].
    let x: Tensor
    /// [rows, F] each.
    let gate: Tensor
    let up: Tensor
    let inner: Tensor
  }

  private func chunk(_ places: ArraySlice<Int>, _ expert: Expert, _ matrices: Packed) -> Chunk {
    let x = gather(input, places)
    let size = expert.gate.outputs
    let left = LeftOperand(
      MatrixView(x), rows: places.count, k: width, for: [matrices.gate, matrices.up], kernels)
    let gate = product(left, matrices.gate, expert.gateBias)
    let up = product(left, matrices.up, expert.upBias)
    let inner = Tensor(uninitialized: [places.count, size])
    function.kernels(kernels.pointee).forward(inner.pointer, gate.pointer, up.pointer, inner.count)
    return Chunk(places: places, x: x, gate: gate, up: up, inner: inner)
  }

  /// x · M + bias: [rows, n].
  private func product(_ x: LeftOperand, _ matrix: any PackedWeight, _ bias: Parameter? = nil) -> Tensor {
    let y = Tensor(uninitialized: [x.rows, matrix.n])
    multiply(x, matrix, into: y, accumulates: false)
    if let bias {
      for row in 0..<y.rows {
        let start = y.pointer + row * y.columns
        kernels.pointee.add(start, start, bias.value.pointer, y.columns)
      }
    }
    return y
  }

  private func multiply(_ x: LeftOperand, _ matrix: any PackedWeight, into y: Tensor, accumulates: Bool) {
    let step = matrix.tileColumns(rows: x.rows)
    for start in stride(from: 0, to: matrix.n, by: step) {
      matrix.multiply(
        x, columns: start..<min(matrix.n, start + step), into: MatrixView(y).from(row: 0, column: start),
        accumulates: accumulates)
    }
  }

  private func left(_ x: Tensor, _ matrix: any PackedWeight) -> LeftOperand {
    LeftOperand(MatrixView(x), rows: x.rows, k: x.columns, for: CollectionOfOne(matrix), kernels)
  }

  /// The rows of places: [places, columns].
  private func gather(_ source: Tensor, _ places: ArraySlice<Int>) -> Tensor {
    let result = Tensor(uninitialized: [places.count, source.columns])
    for (row, place) in places.enumerated() {
      (result.pointer + row * source.columns)
        .update(from: source.pointer + place / perRow * source.columns, count: source.columns)
    }
    return result
  }

  /// Works off the places of a group, some at a time.
  private func chunks(_ index: Int, _ body: (ArraySlice<Int>) -> Void) {
    let places = groups[index].places
    for start in stride(from: 0, to: places.count, by: Self.rows) {
      body(places[start..<min(places.count, start + Self.rows)])
    }
  }

  /// [T, C].
  func forward() -> Tensor {
    let matrices = forwardMatrices()
    let parts = Tensor(uninitialized: [input.rows * perRow, width])
    compute.pool.tiles(groups.count) { index in
      let expert = experts[groups[index].expert]
      chunks(index) { places in
        let chunk = chunk(places, expert, matrices[index])
        let y = product(left(chunk.inner, matrices[index].down), matrices[index].down, expert.downBias)
        for (row, place) in places.enumerated() {
          let target = parts.pointer + place * width
          target.update(from: y.pointer + row * width, count: width)
          kernels.pointee.scale(target, weights.pointer[place], width)
        }
      }
    }
    return summed(parts)
  }

  /// The sum of the places of each row: [T, C].
  private func summed(_ parts: Tensor) -> Tensor {
    let result = Tensor(uninitialized: [input.rows, width])
    compute.pieces(of: input.rows, size: 64) { rows in
      for row in rows {
        let target = result.pointer + row * width
        target.update(from: parts.pointer + row * perRow * width, count: width)
        for place in 1..<max(1, perRow) {
          kernels.pointee.add(target, target, parts.pointer + (row * perRow + place) * width, width)
        }
      }
    }
    return result
  }

  /// dx [T, C] and the derivative by the weights [T, k]; adds to the gradients of what is trained.
  func backward(_ dy: Tensor, trains: Bool) -> (dx: Tensor, dWeights: Tensor) {
    let forward = forwardMatrices()
    let backward = groups.map { expert, _ in
      let expert = experts[expert]
      return Packed(
        gate: expert.gate.backward(on: program), up: expert.up.backward(on: program),
        down: expert.down.backward(on: program))
    }
    // Made here, where only one thread is.
    if trains {
      for (expert, _) in groups {
        for parameter in experts[expert].parameters where parameter.isTrainable {
          _ = parameter.gradientForAccumulation()
        }
      }
    }
    let parts = Tensor(uninitialized: [input.rows * perRow, width])
    let dWeights = Tensor(uninitialized: weights.shape)
    compute.pool.tiles(groups.count) { index in
      let expert = experts[groups[index].expert]
      chunks(index) { places in
        let chunk = chunk(places, expert, forward[index])
        let d = gather(dy, places)
        let dInner = product(left(d, backward[index].down), backward[index].down)
        for (row, place) in places.enumerated() {
          let start = row * dInner.columns
          var share = kernels.pointee.dot(dInner.pointer + start, chunk.inner.pointer + start, dInner.columns)
          if let bias = expert.downBias {
            share += kernels.pointee.dot(d.pointer + row * width, bias.value.pointer, width)
          }
          dWeights.pointer[place] = share
          kernels.pointee.scale(dInner.pointer + start, weights.pointer[place], dInner.columns)
          kernels.pointee.scale(d.pointer + row * width, weights.pointer[place], width)
        }
        let (dGate, dUp) = (Tensor(uninitialized: dInner.shape), Tensor(uninitialized: dInner.shape))
        function.kernels(kernels.pointee).backward(
          dGate.pointer, dUp.pointer, dInner.pointer, chunk.gate.pointer, chunk.up.pointer, dInner.count)
        let dx = product(left(dGate, backward[index].gate), backward[index].gate)
        multiply(left(dUp, backward[index].up), backward[index].up, into: dx, accumulates: true)
        for (row, place) in places.enumerated() {
          (parts.pointer + place * width).update(from: dx.pointer + row * width, count: width)
        }
        if trains {
          addGradient(of: expert.gate.parameter, expert.gateBias, dGate, chunk.x)
          addGradient(of: expert.up.parameter, expert.upBias, dUp, chunk.x)
          addGradient(of: expert.down.parameter, expert.downBias, d, chunk.inner)
        }
      }
    }
    return (summed(parts), dWeights)
  }

  /// dW += dᵀ x and dbias += Σ_rows d, of what is trained.
  private func addGradient(of weight: Parameter?, _ bias: Parameter?, _ d: Tensor, _ x: Tensor) {
    if let weight, weight.isTrainable {
      compute.addOuterProducts(
        MatrixView(d), MatrixView(x), to: MatrixView(weight.gradientForAccumulation()), m: d.columns, n: x.columns,
        k: d.rows)
    }
    if let bias, bias.isTrainable {
      let gradient = bias.gradientForAccumulation()
      for row in 0..<d.rows {
        kernels.pointee.add(gradient.pointer, gradient.pointer, d.pointer + row * d.columns, d.columns)
      }
    }
  }
}
