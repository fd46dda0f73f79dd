import PreciseJSON
import Tensors

/// W + Λb B Λd A with trained diagonals and two random matrices that all maps share, frozen (arXiv:2310.11454).
package struct VeRA: AdapterMethod {
  /// R, the inner dimension.
  package var rank: Int
  package var dropout: Float
  /// What the inner diagonal begins with.
  package var initial: Float
  /// What PyTorch draws the shared matrices from, wherever the adapter is loaded.
  package var seed: UInt32
  /// Whether folders hold them all the same.
  package var savesProjections: Bool

  package init(rank: Int, dropout: Float = 0, initial: Float = 0.1, seed: UInt32 = 0, savesProjections: Bool = true) {
    self.rank = rank
    self.dropout = dropout
    self.initial = initial
    self.seed = seed
    self.savesProjections = savesProjections
  }

  package static let name = "vera"
  package static let summary = "two trained vectors beside each map, around a random product that all share"
  package static let options: Set<AdapterOptions.Name> = [.rank, .dropout]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(rank: options.rank ?? 256, dropout: options.dropout ?? 0)
  }

  package func validate() throws(AdapterError) {
    guard rank >= 1 else { throw .rank(rank) }
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
  }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    [AdapterTensor("vera_lambda_b", [map.outputs]), AdapterTensor("vera_lambda_d", [rank])]
  }

  /// As large as the largest map needs them; smaller ones take their first columns and rows.
  package func sharedTensors(of maps: [AdaptedMap]) -> [AdapterTensor] {
    [
      AdapterTensor("vera_A", [rank, maps.map(\.inputs).max() ?? 0], isTrained: false, isStored: savesProjections),
      AdapterTensor("vera_B", [maps.map(\.outputs).max() ?? 0, rank], isTrained: false, isStored: savesProjections),
    ]
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    [Tensor(shape: [map.outputs]), .constant([rank], initial)]
  }

  package func startShared(_ maps: [AdaptedMap], random: (Int) -> CounterRandom) -> [Tensor] {
    var random = MersenneTwister(seed: seed)
    return sharedTensors(of: maps).map { tensor in
      let value = Tensor(uninitialized: tensor.shape)
      // Kaiming's uniform distribution, as PEFT computes its bound.
      let bound = Float(3.0.squareRoot() * 2.0.squareRoot() / Double(max(1, tensor.shape[1])).squareRoot())
      onElements { for index in 0..<value.count { value.pointer[index] = random.uniform(bound) } }
      return value
    }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    VeRAMap(
      parameters: parameters, a: shared[0], b: shared[1], outputs: map.outputs, dropout: dropout,
      stream: stableHash(parameters[0].name))
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (outer, inner, a, b) = (values[0], values[1], values[2], values[3])
    let down = Tensor(uninitialized: [rank, map.inputs])
    let up = Tensor(uninitialized: [map.outputs, rank])
    onElements {
      for r in 0..<rank {
        for column in 0..<map.inputs {
          down.pointer[r * map.inputs + column] = inner.pointer[r] * a.pointer[r * a.columns + column]
        }
        for row in 0..<map.outputs { up.pointer[row * rank + r] = outer.pointer[row] * b.pointer[row * rank + r] }
      }
    }
    return AdapterUpdate(
      module: map.module, size: LowRankSum([down], [up], [1]).length,
      isDead: outer.values.allSatisfy { $0 == 0 } && inner.values.allSatisfy { $0 == 0 })
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    (0, shapes["vera_lambda_b"]?.first ?? 0)
  }

  package static let movesLate = [".vera_lambda_d"]
  package var facts: [(key: String, value: JSON)] {
    [("rank", JSON(rank)), ("dropout", JSON(Double(dropout)))]
  }
}

private struct VeRAMap: MapAdapter {
  /// Λb [out] and Λd [R].
  let parameters: [Parameter]
  let a: Parameter
  let b: Parameter
  let outputs: Int
  let dropout: Float
  let stream: UInt64

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let dropped = tape.dropout(x, probability: dropout, stream: stream)
    let hidden = tape.scaleColumns(
      tape.product(dropped, Variable(a.value)), by: tape.variable(of: parameters[1]))
    let update = tape.scaleColumns(
      tape.product(hidden, Variable(b.value), outputs: outputs), by: tape.variable(of: parameters[0]))
    return tape.add(tape.project(x, [base])[0], update)
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = weight.copy()
    let (outer, inner) = (parameters[0].value, parameters[1].value)
    let (rank, width) = (inner.count, weight.columns)
    pool.tiles(weight.rows) { [a = a.value, b = b.value] row in
      for r in 0..<rank {
        let factor = outer.pointer[row] * b.pointer[row * rank + r] * inner.pointer[r]
        for column in 0..<width {
          result.pointer[row * width + column] += factor * a.pointer[r * a.columns + column]
        }
      }
    }
    return result
  }
}
