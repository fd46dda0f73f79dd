import Tensors

/// An optimizer of any kind whose parameters in blocks take turns (``BlockDraw``).
///
/// There are gradients and states of the drawn blocks alone, and of what stands outside of blocks. The state of a block
/// is made when it is drawn and given up when others are; its steps are counted from there.
final class DrawnBlockOptimizer: Optimizer {
  private let draw: BlockDraw
  private let key: RandomKey
  private let make: ([ParameterGroup]) -> any Optimizer
  private let groups: [ParameterGroup]
  /// The numbers of the blocks that have something to train.
  private let blocks: [Int]
  private let always: any Optimizer
  private var drawn: any Optimizer
  private var turn = 0

  init(_ draw: BlockDraw, _ settings: any OptimizerSettings, _ groups: [ParameterGroup], key: RandomKey) {
    self.draw = draw
    self.key = key
    self.groups = groups
    make = { settings.optimizer(for: $0) }
    blocks = Set(groups.flatMap(\.parameters).compactMap(\.layer)).sorted()
    always = make(groups.filter { $0.parameter.layer == nil })
    drawn = make([])
    begin(turn: 0)
  }

  var tensors: [NamedTensor] { always.tensors + drawn.tensors.map { ("drawn.\($0.name)", $0.tensor) } }

  func expect(step: Int) { begin(turn: draw.turn(of: step)) }

  func prepare(step: Int) {
    let next = draw.turn(of: step)
    if next != turn { begin(turn: next) }
    let active = layers(turn)
    for parameter in groups.flatMap(\.parameters) {
      parameter.isTrainable = parameter.layer.map(active.contains) ?? true
    }
    always.prepare(step: step)
    drawn.prepare(step: number(step))
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    always.take(step, on: compute)
    var own = step
    own.number = number(step.number)
    drawn.take(own, on: compute)
  }

  func show(_ weights: ShownWeights) {
    always.show(weights)
    drawn.show(weights)
    guard weights == .result else { return }
    // Whoever looks at the result looks at every block that had a turn.
    let seen = (0...turn).reduce(into: Set<Int>()) { $0.formUnion(layers($1)) }
    for parameter in groups.flatMap(\.parameters) { parameter.isTrainable = parameter.layer.map(seen.contains) ?? true }
  }

  private func layers(_ turn: Int) -> Set<Int> {
    Set(draw.places(turn: turn, of: blocks.count, key: key).map { blocks[$0] })
  }

  private func begin(turn: Int) {
    self.turn = turn
    let active = layers(turn)
    // Given up before the others are made, so that both are never there at once.
    drawn = make([])
    drawn = make(groups.filter { $0.parameter.layer.map(active.contains) ?? false })
  }

  /// The number of a step in its turn, from 1.
  private func number(_ step: Int) -> Int { (step - 1) % draw.interval + 1 }
}

extension Parameter {
  /// The number of the block that it belongs to: 3 of `model.layers.3.mlp.up_proj.weight`.
  var layer: Int? { name.split(separator: ".").lazy.compactMap { Int($0) }.first }
}
