import PreciseJSON
import Tensors

/// What a map reads, reflected at R trained hyperplanes, one after the other (Householder, arXiv:2405.17484).
package struct HRA: AdapterMethod {
  /// R.
  package var rank: Int

  package init(rank: Int) { self.rank = rank }

  package static let name = "hra"
  package static let summary = "reflections of what a map reads"
  package static let options: Set<AdapterOptions.Name> = [.rank]

  package init(_ options: AdapterOptions) throws(AdapterError) { self.init(rank: options.rank ?? 8) }

  package func validate() throws(AdapterError) { guard rank >= 1 else { throw .rank(rank) } }

  package static let suffix = "hra_u"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] { [AdapterTensor(Self.suffix, [map.inputs, rank])] }

  /// Pairs of equal hyperplanes, which leave everything as it is; with an odd rank any ones, as in PEFT.
  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    guard rank % 2 == 0 else { return [.kaimingUniform([map.inputs, rank], random(0))] }
    let half = Tensor.kaimingUniform([map.inputs, rank / 2], random(0))
    let all = Tensor(uninitialized: [map.inputs, rank])
    onElements {
      for row in 0..<map.inputs {
        for r in 0..<rank { all.pointer[row * rank + r] = half.pointer[row * half.columns + r / 2] }
      }
    }
    return [all]
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    HRAMap(normals: parameters[0])
  }

  /// ‖Q − I‖ for the product Q of all reflections.
  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let reflections = Reflections(values[0])
    let gram = reflections.gram
    var sum = 0.0
    // ‖Y T Yᵀ‖² = Σ (T G)(Tᵀ G)ᵀ of the small matrices.
    let left = timesSmall(reflections.inner, gram)
    let right = timesSmall(transposedSmall(reflections.inner), gram)
    for i in 0..<rank { for j in 0..<rank { sum += left[i][j] * right[j][i] } }
    return AdapterUpdate(module: map.module, size: max(0, sum).squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    (shapes[Self.suffix]?.first ?? 0, 0)
  }

  package var facts: [(key: String, value: JSON)] { [("rank", JSON(rank))] }
}

/// x Q with Q = H₁ H₂ … = I − Y T Yᵀ, the columns of Y the unit normals and T upper triangular (Schreiber and Van Loan 1989).
private struct Reflections {
  /// [in, R] unit normals, the first reflection first: that of the last column.
  let y: Tensor
  /// The lengths of the columns of the parameter, in its order.
  let lengths: [Double]
  /// YᵀY and T.
  let gram: [[Double]]
  let inner: [[Double]]

  init(_ normals: Tensor) {
    let (rows, rank) = (normals.rows, normals.columns)
    let y = Tensor(uninitialized: [rows, rank])
    var lengths = [Double](repeating: 1, count: rank)
    var gram = (0..<rank).map { _ in [Double](repeating: 0, count: rank) }
    onElements {
      for column in 0..<rank {
        var sum = 0.0
        for row in 0..<rows {
          sum += Double(normals.pointer[row * rank + column]) * Double(normals.pointer[row * rank + column])
        }
        lengths[column] = sum.squareRoot()
        for row in 0..<rows {
          y.pointer[row * rank + rank - 1 - column] = Float(
            Double(normals.pointer[row * rank + column]) / lengths[column])
        }
      }
      for i in 0..<rank {
        for j in 0...i {
          var sum = 0.0
          for row in 0..<rows { sum += Double(y.pointer[row * rank + i]) * Double(y.pointer[row * rank + j]) }
          gram[i][j] = sum
          gram[j][i] = sum
        }
      }
    }
    self.y = y
    self.lengths = lengths
    self.gram = gram
    // T⁻¹ is the upper triangle of YᵀY with halves on the diagonal; its inverse, row by row from below.
    var inner = (0..<rank).map { _ in [Double](repeating: 0, count: rank) }
    for i in stride(from: rank - 1, through: 0, by: -1) {
      for j in i..<rank {
        var sum = i == j ? 1.0 : 0
        for k in i + 1..<max(rank, i + 1) { sum -= gram[i][k] * inner[k][j] }
        inner[i][j] = 2 * sum
      }
    }
    self.inner = inner
  }
}

private func timesSmall(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  a.map { row in b.indices.map { column in row.indices.reduce(0.0) { $0 + row[$1] * b[$1][column] } } }
}

private func transposedSmall(_ a: [[Double]]) -> [[Double]] { a.indices.map { i in a.map { $0[i] } } }

private struct HRAMap: MapAdapter {
  /// [in, R].
  let normals: Parameter

  var parameters: [Parameter] { [normals] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    tape.project(reflected(tape, x), [base])[0]
  }

  /// x − ((x Y) T) Yᵀ.
  private func reflected(_ tape: Tape, _ x: Variable) -> Variable {
    let reflections = Reflections(normals.value)
    let leaf = tape.variable(of: normals)
    let y = tape.derived(from: [leaf], reflections.y) { dy in [columnGradient(dy, reflections)] }
    let inner = tape.derived(from: [y], small(reflections.inner)) { dy in [innerGradient(dy, reflections)] }
    let hidden = tape.product(tape.product(x, y, transposed: false), inner, transposed: false)
    return tape.add(x, tape.scale(tape.product(hidden, y), by: -1))
  }

  private func small(_ matrix: [[Double]]) -> Tensor {
    Tensor(shape: [matrix.count, matrix.count], values: matrix.flatMap { $0.map(Float.init) })
  }

  /// Through the lengths of the columns, whose order it turns back.
  private func columnGradient(_ dy: Tensor, _ reflections: Reflections) -> Tensor {
    let (rows, rank) = (dy.rows, dy.columns)
    let gradient = Tensor(uninitialized: dy.shape)
    onElements {
      for column in 0..<rank {
        let place = rank - 1 - column
        var along = 0.0
        for row in 0..<rows {
          along += Double(dy.pointer[row * rank + place]) * Double(reflections.y.pointer[row * rank + place])
        }
        for row in 0..<rows {
          let across =
            Double(dy.pointer[row * rank + place]) - along * Double(reflections.y.pointer[row * rank + place])
          gradient.pointer[row * rank + column] = Float(across / reflections.lengths[column])
        }
      }
    }
    return gradient
  }

  /// dY from dT: dS = −Tᵀ dT Tᵀ for S = T⁻¹, of which the strict upper triangle is YᵀY's.
  private func innerGradient(_ dy: Tensor, _ reflections: Reflections) -> Tensor {
    let gradient = Tensor(uninitialized: reflections.y.shape)
    onElements {
      let rank = dy.rows
      let outer = (0..<rank).map { row in (0..<rank).map { Double(dy.pointer[row * rank + $0]) } }
      let turned = transposedSmall(reflections.inner)
      let sum = timesSmall(timesSmall(turned, outer), turned)
      var gram = (0..<rank).map { _ in [Double](repeating: 0, count: rank) }
      for i in 0..<rank {
        for j in i + 1..<max(rank, i + 1) {
          gram[i][j] -= sum[i][j]
          gram[j][i] -= sum[i][j]
        }
      }
      let y = reflections.y
      for row in 0..<y.rows {
        for column in 0..<rank {
          var total = 0.0
          for k in 0..<rank { total += Double(y.pointer[row * rank + k]) * gram[k][column] }
          gradient.pointer[row * rank + column] = Float(total)
        }
      }
    }
    return gradient
  }

  /// W Qᵀ, which reads each row of W as x is read, with the reflections in the other order.
  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let reflections = Reflections(normals.value)
    let result = weight.copy()
    let (rank, width) = (reflections.y.columns, weight.columns)
    pool.tiles(weight.rows) { row in
      let target = result.pointer + row * width
      // From the right: the first reflection stands at the left of Q, so its transpose comes last.
      for column in stride(from: rank - 1, through: 0, by: -1) {
        var sum = 0.0
        for index in 0..<width { sum += Double(target[index]) * Double(reflections.y.pointer[index * rank + column]) }
        for index in 0..<width { target[index] -= Float(2 * sum) * reflections.y.pointer[index * rank + column] }
      }
    }
    return result
  }
}
