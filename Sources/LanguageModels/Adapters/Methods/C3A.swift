import PreciseJSON
import Tensors

/// W + a matrix of circulant blocks ÷ the map's inputs, each block made of one trained row (arXiv:2407.19342).
package struct C3A: AdapterMethod {
  /// The rows and columns of a block.
  package var blockSize: Int

  package init(blockSize: Int = 256) { self.blockSize = blockSize }

  package static let name = "c3a"
  package static let summary = "circular convolutions of blocks of what a map reads"
  package static let options: Set<AdapterOptions.Name> = [.blockSize]
  package static let usualBlockSize: Int? = 64

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(blockSize: options.blockSize ?? Self.usualBlockSize ?? 64)
  }

  package func validate() throws(AdapterError) {
    guard blockSize >= 1 else { throw .option("block_size", wanted: "at least 1", found: "\(blockSize)") }
  }

  package func validate(_ map: AdaptedMap) throws(AdapterError) {
    for size in [map.inputs, map.outputs] where size % blockSize != 0 {
      throw .indivisible("block_size", value: blockSize, module: map.module, size: size)
    }
  }

  package static let suffix = "c3a_kernel"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    [AdapterTensor(Self.suffix, [map.outputs / blockSize, map.inputs / blockSize, blockSize])]
  }

  /// Zeros, PEFT's `init_weights: true`: the base's output.
  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    tensors(of: map).map { Tensor(shape: $0.shape) }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    C3AMap(kernel: parameters[0])
  }

  /// Every number of a row stands in each row of its block.
  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let sum = values[0].values.reduce(0.0) { $0 + Double($1) * Double($1) } * Double(blockSize)
    return AdapterUpdate(
      module: map.module, size: sum.squareRoot() / Double(max(1, map.inputs)), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    guard let shape = shapes[Self.suffix], shape.count == 3 else { return (0, 0) }
    return (shape[1] * shape[2], shape[0] * shape[2])
  }

  package var facts: [(key: String, value: JSON)] { [("block_size", JSON(blockSize))] }
}

private struct C3AMap: MapAdapter {
  /// [out ÷ b, in ÷ b, b].
  let kernel: Parameter

  var parameters: [Parameter] { [kernel] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let y = tape.project(x, [base])[0]
    return DenseUpdate(value: { expanded(on: $0.pool) }, gradients: { [gradient($1, on: $0.pool)] })
      .added(to: y, tape, x, [tape.variable(of: kernel)])
  }

  private var layout: (blocks: Int, size: Int, inputs: Int, scale: Float) {
    let (blocks, size) = (kernel.value.shape[1], kernel.value.shape[2])
    return (blocks, size, blocks * size, 1 / Float(blocks * size))
  }

  /// [out, in]: element (j, k) of a block is number (k − j) mod b of its row, over the map's inputs.
  private func expanded(on pool: ThreadPool) -> Tensor {
    let (blocks, size, inputs, scale) = layout
    let matrix = Tensor(uninitialized: [kernel.value.shape[0] * size, inputs])
    pool.tiles(matrix.rows) { [kernel = kernel.value] row in
      let (block, j) = (row / size, row % size)
      for column in 0..<inputs {
        let own = kernel.pointer + (block * blocks + column / size) * size
        matrix.pointer[row * inputs + column] = scale * own[(column % size - j + size) % size]
      }
    }
    return matrix
  }

  private func gradient(_ dy: Tensor, on pool: ThreadPool) -> Tensor {
    let (blocks, size, inputs, scale) = layout
    let gradient = Tensor(shape: kernel.value.shape)
    pool.tiles(kernel.value.shape[0]) { block in
      for j in 0..<size {
        let row = dy.pointer + (block * size + j) * inputs
        for column in 0..<inputs {
          let own = gradient.pointer + (block * blocks + column / size) * size
          own[(column % size - j + size) % size] += scale * row[column]
        }
      }
    }
    return gradient
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = expanded(on: pool)
    pool.tiles(weight.rows) { row in
      for index in row * weight.columns..<(row + 1) * weight.columns { result.pointer[index] += weight.pointer[index] }
    }
    return result
  }
}
