import Glibc
import PreciseJSON
import Tensors

/// What a map gives, turned and stretched in pairs of columns: column i of a group with column i of its other half (RoAd,
/// arXiv:2409.00119).
package struct RoAd: AdapterMethod {
  /// Which numbers the four elements of a pair's matrix share.
  package enum Variant: String, Sendable, Hashable, CaseIterable {
    /// One angle and one stretch a pair.
    case pair = "road_1"
    /// One of each a column.
    case column = "road_2"
    /// One of each an element.
    case element = "road_4"
  }

  package var variant: Variant
  /// The columns of a group.
  package var groupSize: Int

  package init(variant: Variant = .pair, groupSize: Int = 64) {
    self.variant = variant
    self.groupSize = groupSize
  }

  package static let name = "road"
  package static let summary = "rotations of pairs of what a map gives, each with a stretch"
  package static let options: Set<AdapterOptions.Name> = [.blockSize]
  package static let usualBlockSize: Int? = 64

  package init(_ options: AdapterOptions) throws(AdapterError) { self.init(groupSize: options.blockSize ?? 64) }

  package func validate() throws(AdapterError) {
    guard groupSize >= 2, groupSize % 2 == 0 else {
      throw .option("block_size", wanted: "an even number", found: "\(groupSize)")
    }
  }

  package func validate(_ map: AdaptedMap) throws(AdapterError) {
    guard map.outputs % groupSize == 0 else {
      throw .indivisible("block_size", value: groupSize, module: map.module, size: map.outputs)
    }
  }

  package static let suffixes = ["road_theta", "road_alpha"]

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let count =
      switch variant {
      case .pair: map.outputs / 2
      case .column: map.outputs
      case .element: map.outputs * 2
      }
    return Self.suffixes.map { AdapterTensor($0, [count]) }
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    let shapes = tensors(of: map).map(\.shape)
    return [Tensor(shape: shapes[0]), .constant(shapes[1], 1)]
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    RoAdMap(parameters: parameters, pairing: pairing(map))
  }

  private func pairing(_ map: AdaptedMap) -> RoAdPairing {
    let half = groupSize / 2
    let columns = (0..<map.outputs).map { column in
      let (group, place) = (column / groupSize, column % groupSize)
      let (own, other) =
        switch variant {
        case .pair: (group * half + place % half, group * half + place % half)
        case .column: (column, column)
        case .element: (2 * group * groupSize + place, (2 * group + 1) * groupSize + place)
        }
      return RoAdPairing.Column(
        own: own, other: other, partner: place < half ? column + half : column - half, sign: place < half ? -1 : 1)
    }
    return RoAdPairing(columns: columns)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (own, other) = pairing(map).factors(values[0], values[1])
    var sum = 0.0
    onElements {
      for column in 0..<map.outputs {
        let (own, other) = (Double(own.pointer[column]) - 1, Double(other.pointer[column]))
        sum += own * own + other * other
      }
    }
    return AdapterUpdate(module: map.module, size: sum.squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    let count = shapes[Self.suffixes[0]]?.first ?? 0
    switch variant {
    case .pair: return (0, count * 2)
    case .column: return (0, count)
    case .element: return (0, count / 2)
    }
  }

  package var facts: [(key: String, value: JSON)] {
    [("variant", JSON(variant.rawValue)), ("block_size", JSON(groupSize))]
  }
}

/// Which columns are turned together, and by which angle and stretch.
private struct RoAdPairing {
  struct Column {
    /// Where the angle and the stretch of what a column keeps of itself are.
    var own: Int
    /// Where those of what it takes of its partner are.
    var other: Int
    var partner: Int
    /// −1 for the first half of a group.
    var sign: Float
  }

  let columns: [Column]

  /// α cos θ, what a column counts of itself, and ±α sin θ, what its partner counts.
  func factors(_ angles: Tensor, _ stretches: Tensor) -> (own: Tensor, other: Tensor) {
    let (own, other) = (Tensor(uninitialized: [columns.count]), Tensor(uninitialized: [columns.count]))
    onElements {
      for (index, column) in columns.enumerated() {
        own.pointer[index] = stretches.pointer[column.own] * cos(angles.pointer[column.own])
        other.pointer[index] = column.sign * stretches.pointer[column.other] * sin(angles.pointer[column.other])
      }
    }
    return (own, other)
  }
}

private struct RoAdMap: MapAdapter {
  /// θ and α.
  let parameters: [Parameter]
  let pairing: RoAdPairing

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let (angles, stretches) = (parameters[0].value, parameters[1].value)
    let leaves = parameters.map { tape.variable(of: $0) }
    let factors = pairing.factors(angles, stretches)
    let own = tape.derived(from: leaves, factors.own) { dy in
      gradients(dy, place: \.own) { _, angle, stretch in (-stretch * sin(angle), cos(angle)) }
    }
    let other = tape.derived(from: leaves, factors.other) { dy in
      gradients(dy, place: \.other) { sign, angle, stretch in (sign * stretch * cos(angle), sign * sin(angle)) }
    }
    let y = tape.project(x, [base])[0]
    return tape.add(
      tape.scaleColumns(y, by: own),
      tape.scaleColumns(tape.permuteColumns(y, pairing.columns.map(\.partner)), by: other))
  }

  /// The derivatives by angles and stretches, which several columns may share.
  private func gradients(
    _ dy: Tensor, place: (RoAdPairing.Column) -> Int,
    _ slope: (_ sign: Float, _ angle: Float, _ stretch: Float) -> (angle: Float, stretch: Float)
  ) -> [Tensor] {
    let (angles, stretches) = (parameters[0].value, parameters[1].value)
    let found = [Tensor(shape: angles.shape), Tensor(shape: stretches.shape)]
    onElements {
      for (index, column) in pairing.columns.enumerated() {
        let place = place(column)
        let slope = slope(column.sign, angles.pointer[place], stretches.pointer[place])
        found[0].pointer[place] += dy.pointer[index] * slope.angle
        found[1].pointer[place] += dy.pointer[index] * slope.stretch
      }
    }
    return found
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = Tensor(uninitialized: weight.shape)
    let (own, other) = pairing.factors(parameters[0].value, parameters[1].value)
    let width = weight.columns
    pool.tiles(weight.rows) { [columns = pairing.columns] row in
      let partner = columns[row].partner
      for column in 0..<width {
        result.pointer[row * width + column] =
          own.pointer[row] * weight.pointer[row * width + column]
          + other.pointer[row] * weight.pointer[partner * width + column]
      }
    }
    return result
  }

  func merged(bias: Tensor) -> Tensor {
    let result = Tensor(uninitialized: bias.shape)
    let (own, other) = pairing.factors(parameters[0].value, parameters[1].value)
    onElements {
      for (row, column) in pairing.columns.enumerated() {
        result.pointer[row] = own.pointer[row] * bias.pointer[row] + other.pointer[row] * bias.pointer[column.partner]
      }
    }
    return result
  }
}
