import PreciseJSON
import Tensors

/// W + one trained matrix [R, out] that every shard of R columns of W shares (arXiv:2409.15371): what a map reads is added up
/// shard by shard, and the sum is what the matrix reads.
package struct MiSS: AdapterMethod {
  /// R, the columns of a shard.
  package var rank: Int
  package var dropout: Float

  package init(rank: Int = 64, dropout: Float = 0) {
    self.rank = rank
    self.dropout = dropout
  }

  package static let name = "miss"
  package static let summary = "one thin matrix that all shards of a map's columns share"
  package static let options: Set<AdapterOptions.Name> = [.rank, .dropout]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(rank: options.rank ?? 64, dropout: options.dropout ?? 0)
  }

  package func validate() throws(AdapterError) {
    guard rank >= 1 else { throw .rank(rank) }
    guard dropout >= 0, dropout < 1 else { throw .dropout(dropout) }
  }

  package static let suffix = "miss_block"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] { [AdapterTensor(Self.suffix, [rank, map.outputs])] }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    [Tensor(shape: [rank, map.outputs])]
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    MiSSMap(block: parameters[0], inputs: map.inputs, dropout: dropout)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (block, outputs) = (values[0].values, max(1, map.outputs))
    var sum = 0.0
    for (index, value) in block.enumerated() {
      // Each row stands in every shard, but for the columns that the last one does not have.
      let shards = (map.inputs - index / outputs + rank - 1) / rank
      sum += Double(max(0, shards)) * Double(value) * Double(value)
    }
    return AdapterUpdate(module: map.module, size: sum.squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) { (0, shapes[Self.suffix]?.last ?? 0) }

  package var facts: [(key: String, value: JSON)] { [("rank", JSON(rank)), ("dropout", JSON(Double(dropout)))] }
}

private struct MiSSMap: MapAdapter {
  /// [R, out].
  let block: Parameter
  /// Adds up shards: [R, in] with a one where a column stands in its shard.
  let sums: Tensor
  let dropout: Float
  let stream: UInt64

  init(block: Parameter, inputs: Int, dropout: Float) {
    self.block = block
    self.dropout = dropout
    stream = stableHash(block.name)
    let (rank, sums) = (block.value.rows, Tensor(shape: [block.value.rows, inputs]))
    onElements { for column in 0..<inputs { sums.pointer[column % rank * inputs + column] = 1 } }
    self.sums = sums
  }

  var parameters: [Parameter] { [block] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let sum = tape.product(tape.dropout(x, probability: dropout, stream: stream), Variable(sums))
    return tape.add(tape.project(x, [base])[0], tape.product(sum, tape.variable(of: block), transposed: false))
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = weight.copy()
    let (rank, width) = (block.value.rows, weight.columns)
    pool.tiles(weight.rows) { [block = block.value] row in
      for column in 0..<width {
        result.pointer[row * width + column] += block.pointer[column % rank * block.columns + row]
      }
    }
    return result
  }
}
