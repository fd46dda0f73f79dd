import PreciseJSON
import Tensors

/// What a map reads, turned by a butterfly of block rotations, and what it gives times a trained vector (arXiv:2311.06243).
package struct BOFT: AdapterMethod {
  /// The columns of a block; 0 where the number of blocks is given.
  package var blockSize: Int
  /// The number of blocks; 0 where their size is given.
  package var blocks: Int
  /// How many layers the butterfly has, each with other columns together in a block.
  package var layers: Int

  package init(blockSize: Int = 4, blocks: Int = 0, layers: Int = 1) {
    self.blockSize = blockSize
    self.blocks = blocks
    self.layers = layers
  }

  package static let name = "boft"
  package static let summary = "layers of rotations of blocks of what a map reads, and a vector for what it gives"
  package static let options: Set<AdapterOptions.Name> = [.blockSize, .layers]
  package static let usualBlockSize: Int? = 4

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(blockSize: options.blockSize ?? 4, layers: options.layers ?? 1)
  }

  package func validate() throws(AdapterError) {
    guard (blockSize == 0) != (blocks == 0) else {
      throw .option("block_size", wanted: "given, or the number of blocks", found: "both or none")
    }
    guard blockSize == 0 || blockSize >= 2 else {
      throw .option("block_size", wanted: "at least 2", found: "\(blockSize)")
    }
    guard layers >= 1, layers <= 24 else { throw .option("butterfly", wanted: "from 1 to 24", found: "\(layers)") }
  }

  package func validate(_ map: AdaptedMap) throws(AdapterError) {
    let (count, size) = layout(map)
    guard count * size == map.inputs else {
      throw .indivisible("block_size", value: blockSize == 0 ? blocks : blockSize, module: map.module, size: map.inputs)
    }
    if layers > 1, size % 2 != 0 || map.inputs % (size << (layers - 1)) != 0 {
      throw .indivisible("butterfly", value: layers, module: map.module, size: map.inputs)
    }
  }

  private func layout(_ map: AdaptedMap) -> (count: Int, size: Int) {
    blocks > 0 ? (blocks, map.inputs / blocks) : (map.inputs / max(1, blockSize), blockSize)
  }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let (count, size) = layout(map)
    return [AdapterTensor("boft_R", [layers, count, size, size]), AdapterTensor("boft_s", [map.outputs, 1])]
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    let tensors = tensors(of: map)
    return [Tensor(shape: tensors[0].shape), .constant(tensors[1].shape, 1)]
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    let (count, size) = layout(map)
    return BOFTMap(parameters: parameters, count: count, size: size, layers: layers)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (r, size) = (values[0].values, values[0].shape[3])
    var sum = 0.0
    for (index, value) in r.enumerated() {
      let (block, row, column) = (index / (size * size), index / size % size, index % size)
      let difference = Double(value) - Double(r[block * size * size + column * size + row])
      sum += difference * difference / 4
    }
    for value in values[1].values { sum += (Double(value) - 1) * (Double(value) - 1) }
    return AdapterUpdate(module: map.module, size: sum.squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    let r = shapes["boft_R"] ?? []
    return (r.count == 4 ? r[1] * r[2] : 0, shapes["boft_s"]?.first ?? 0)
  }

  package var facts: [(key: String, value: JSON)] {
    [blocks > 0 ? ("blocks", JSON(blocks)) : ("block_size", JSON(blockSize)), ("layers", JSON(layers))]
  }
}

private struct BOFTMap: MapAdapter {
  /// R [layers, count, size, size] and s [out, 1].
  let parameters: [Parameter]
  let count: Int
  let size: Int
  let layers: Int

  private var inputs: Int { count * size }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let y = tape.scaleColumns(
      tape.project(turned(tape, x), [base.with(bias: nil)])[0], by: tape.variable(of: parameters[1]))
    return base.bias.map { tape.addToColumns(y, tape.variable(of: $0)) } ?? y
  }

  /// x times the butterfly: the last layer first, each in an order of columns of its own.
  private func turned(_ tape: Tape, _ x: Variable) -> Variable {
    let r = tape.variable(of: parameters[0])
    return (0..<layers).reversed().reduce(x) { x, layer in
      let blocks = tape.rotations(skew(tape, r, layer), terms: nil)
      guard layers > 1 else { return tape.rotateBlocks(x, blocks) }
      let order = order(layer)
      var back = order
      for (place, column) in order.enumerated() { back[column] = place }
      return tape.permuteColumns(tape.rotateBlocks(tape.permuteColumns(x, back), blocks), order)
    }
  }

  /// (R − Rᵀ) / 2 of a layer: [count, size, size].
  private func skew(_ tape: Tape, _ r: Variable, _ layer: Int) -> Variable {
    let (value, size) = (r.value, size)
    let skew = Tensor(uninitialized: [count, size, size])
    let start = layer * skew.count
    func each(_ body: (_ place: Int, _ mirrored: Int) -> Void) {
      for block in 0..<count {
        for row in 0..<size {
          for column in 0..<size { body((block * size + row) * size + column, (block * size + column) * size + row) }
        }
      }
    }
    onElements {
      each { skew.pointer[$0] = (value.pointer[start + $0] - value.pointer[start + $1]) / 2 }
    }
    return tape.derived(from: [r], skew) { dy in
      let gradient = Tensor(shape: value.shape)
      onElements { each { gradient.pointer[start + $0] = (dy.pointer[$0] - dy.pointer[$1]) / 2 } }
      return [gradient]
    }
  }

  /// The order of columns in which a layer's blocks are neighbours: within each group of columns the even half blocks first.
  private func order(_ layer: Int) -> [Int] {
    let half = size / 2
    let group = inputs / (count >> layer)
    let places = Array(stride(from: 0, to: group / half, by: 2)) + Array(stride(from: 1, to: group / half, by: 2))
    let within = places.flatMap { place in (0..<half).map { place * half + $0 } }
    return stride(from: 0, to: inputs, by: group).flatMap { start in within.map { start + $0 } }
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    // Each row of W as something read: x B Wᵀ is x (W Bᵀ)ᵀ, so B is transposed by turning back.
    let tape = Tape(compute: Compute(pool: pool, kernels: .best), records: false)
    let identity = Tensor(shape: [inputs, inputs])
    onElements { for row in 0..<inputs { identity.pointer[row * inputs + row] = 1 } }
    let butterfly = turned(tape, Variable(identity)).value
    let result = Tensor(uninitialized: weight.shape)
    tape.compute.product(weight, butterfly, transposesB: true, into: result, k: inputs)
    onElements {
      for row in 0..<weight.rows {
        for column in 0..<inputs { result.pointer[row * inputs + column] *= parameters[1].value.pointer[row] }
      }
    }
    return result
  }
}
