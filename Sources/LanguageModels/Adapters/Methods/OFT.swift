import PreciseJSON
import Tensors

/// What a map reads, turned: a rotation of each block of neighbouring columns (OFT, arXiv:2306.07280, OFTv2 arXiv:2506.19847).
package struct OFT: AdapterMethod {
  /// The columns of a block; 0 where the number of blocks is given.
  package var blockSize: Int
  /// The number of blocks; 0 where their size is given.
  package var blocks: Int
  /// Whether all blocks turn alike.
  package var sharesBlock: Bool
  /// How many terms of a series stand for the rotation; nil for the rotation itself.
  package var terms: Int?

  package init(blockSize: Int = 32, blocks: Int = 0, sharesBlock: Bool = false, terms: Int? = 5) {
    self.blockSize = blockSize
    self.blocks = blocks
    self.sharesBlock = sharesBlock
    self.terms = terms
  }

  package static let name = "oft"
  package static let summary = "rotations of blocks of what a map reads"
  package static let options: Set<AdapterOptions.Name> = [.blockSize]
  package static let usualBlockSize: Int? = 32

  package init(_ options: AdapterOptions) throws(AdapterError) { self.init(blockSize: options.blockSize ?? 32) }

  package func validate() throws(AdapterError) {
    guard (blockSize == 0) != (blocks == 0) else {
      throw .option("block_size", wanted: "given, or the number of blocks", found: "both or none")
    }
    guard blockSize == 0 || blockSize >= 2 else {
      throw .option("block_size", wanted: "at least 2", found: "\(blockSize)")
    }
  }

  /// The blocks of a map; a size that does not divide its inputs becomes the nearest one that does, as in PEFT.
  private func layout(_ map: AdaptedMap) -> (count: Int, size: Int) {
    guard map.inputs > 0 else { return (0, max(blockSize, 2)) }
    if blocks > 0 {
      let count = Self.divisor(of: map.inputs, near: blocks)
      return (count, map.inputs / count)
    }
    let size = Self.divisor(of: map.inputs, near: blockSize)
    return (map.inputs / size, size)
  }

  private static func divisor(of inputs: Int, near wanted: Int) -> Int {
    guard wanted < inputs else { return inputs }
    var (higher, lower) = (wanted, wanted)
    while inputs % higher != 0 { higher += 1 }
    while inputs % lower != 0 { lower -= 1 }
    return wanted - lower <= higher - wanted ? lower : higher
  }

  package static let suffix = "oft_R.weight"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let (count, size) = layout(map)
    return [AdapterTensor(Self.suffix, [sharesBlock ? 1 : count, size * (size - 1) / 2])]
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    tensors(of: map).map { Tensor(shape: $0.shape) }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    let (count, size) = layout(map)
    return OFTMap(angles: parameters[0], count: count, size: size, terms: terms)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let sum = values[0].values.reduce(0.0) { $0 + Double($1) * Double($1) }
    return AdapterUpdate(module: map.module, size: sum.squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    guard !sharesBlock, let shape = shapes[Self.suffix], shape.count == 2 else { return (0, 0) }
    let size = Int((1 + Double(1 + 8 * shape[1]).squareRoot()) / 2)
    return (shape[0] * size, 0)
  }

  package var facts: [(key: String, value: JSON)] {
    [
      blocks > 0 ? ("blocks", JSON(blocks)) : ("block_size", JSON(blockSize)), ("shares_block", JSON(sharesBlock)),
      ("terms", terms.map { JSON($0) } ?? "all"),
    ]
  }
}

private struct OFTMap: MapAdapter {
  /// [count or 1, size · (size − 1) / 2]: what stands above the diagonals.
  let angles: Parameter
  let count: Int
  let size: Int
  let terms: Int?

  var parameters: [Parameter] { [angles] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    tape.project(tape.rotateBlocks(x, rotations(tape)), [base])[0]
  }

  private func rotations(_ tape: Tape) -> Variable {
    tape.rotations(skew(tape, tape.variable(of: angles)), terms: terms)
  }

  /// [count, size, size].
  private func skew(_ tape: Tape, _ angles: Variable) -> Variable {
    let (value, count, size) = (angles.value, count, size)
    let skew = Tensor(shape: [count, size, size])
    // Row of the angles, place in it, row and column of a block.
    func each(_ body: (_ angle: Int, _ block: Int, _ above: Int, _ below: Int) -> Void) {
      for block in 0..<count {
        var angle = value.rows == 1 ? 0 : block * value.columns
        for row in 0..<size {
          for column in row + 1..<max(size, row + 1) {
            let start = block * size * size
            body(angle, block, start + row * size + column, start + column * size + row)
            angle += 1
          }
        }
      }
    }
    onElements {
      each { angle, _, above, below in
        skew.pointer[above] = value.pointer[angle]
        skew.pointer[below] = -value.pointer[angle]
      }
    }
    return tape.derived(from: [angles], skew) { dy in
      let gradient = Tensor(shape: value.shape)
      onElements {
        each { angle, _, above, below in gradient.pointer[angle] += dy.pointer[above] - dy.pointer[below] }
      }
      return [gradient]
    }
  }

  /// W Rᵀ: each row of the weight, its blocks turned back.
  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    weight.rotatedBack(pool: pool, rotations)
  }
}

extension Tensor {
  /// The rows of a weight times the transposes of rotations of their blocks.
  ///
  /// - Parameter rotations: Makes them on a tape: [n, b, b].
  func rotatedBack(pool: ThreadPool, _ rotations: (Tape) -> Variable) -> Tensor {
    let tape = Tape(compute: Compute(pool: pool, kernels: .best), records: false)
    let blocks = rotations(tape).value
    let size = blocks.shape[2]
    let turned = Tensor(uninitialized: blocks.shape)
    onElements {
      for block in 0..<blocks.shape[0] {
        for row in 0..<size {
          for column in 0..<size {
            let start = block * size * size
            turned.pointer[start + row * size + column] = blocks.pointer[start + column * size + row]
          }
        }
      }
    }
    return tape.rotateBlocks(Variable(self), Variable(turned)).value
  }
}
