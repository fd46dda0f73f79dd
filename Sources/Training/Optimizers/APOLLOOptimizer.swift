import Tensors

/// APOLLO (arXiv:2412.05270) as apollo-torch: gradients, scaled as AdamW would scale a random projection of them.
package struct APOLLOSettings: OptimizerSettings, Hashable {
  /// What has a scale of its own.
  package enum Scaling: String, CaseIterable, Sendable {
    case channel
    case tensor
  }

  /// What gradients are projected by.
  package enum Projection: String, CaseIterable, Sendable {
    case random
    /// The leading singular vectors, as GaLore's.
    case svd
  }

  package static let name = "apollo"
  package static let doc =
    "scales gradients of matrices as AdamW would scale a projection of them (arXiv:2412.05270); for training all "
    + "weights; with `rank: 1, scale_type: tensor, scale: 128` it is APOLLO-Mini"

  package var rank = 256
  package var interval = 200
  package var scale = 1.0
  package var scaling = Scaling.channel
  package var projection = Projection.random
  package var scalesFirst = false
  package var limitsGrowth = true
  package var betas = [0.9, 0.999]
  package var epsilon = 1e-6

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("rank", \.rank, .atLeast(1), doc: "Rows of the projection; smaller matrices are not projected"),
    .count("update_proj_gap", \.interval, .atLeast(1), unit: "steps", doc: "How long a projection is kept"),
    .number("scale", \.scale, .positive, doc: "Steps are multiplied with its root"),
    .choice("scale_type", \.scaling, doc: "What has a scale of its own: each channel, or the whole matrix"),
    .choice(
      "proj", \.projection, later: true,
      doc: "What gradients are projected by: `random` numbers, or leading singular vectors (`svd`)"),
    .flag("scale_front", \.scalesFirst, doc: "Multiplies before the growth is limited"),
    .flag("norm_growth_limit", \.limitsGrowth, doc: "Lets the length of steps grow by a hundredth a step at most"),
    .betas(\.betas),
    .epsilon(\.epsilon),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer {
    optimizer(for: groups) { place, turn, shape in
      var random = CounterRandom(key: RandomKey(seed: 0x4150_4F4C).child(UInt64(place)).child(UInt64(turn)))
      let projection = Tensor(uninitialized: shape)
      onElements { for index in 0..<projection.count { projection.pointer[index] = random.normal() } }
      return projection
    }
  }

  /// - Parameter projection: The values of a projection before they are divided by the root of the rank, by the place of
  ///   the parameter among the projected ones, how many projections it had before, and the shape.
  package func optimizer(
    for groups: [ParameterGroup], projection: @escaping (_ place: Int, _ turn: Int, _ shape: [Int]) -> Tensor
  ) -> any Optimizer { APOLLOOptimizer(self, groups, projection) }
}

private final class APOLLOOptimizer: Optimizer {
  private let settings: APOLLOSettings
  private let adamW: PlainAdamW
  private let slots: [ProjectedSlot]
  private let makeProjection: (Int, Int, [Int]) -> Tensor
  /// Those of the projected parameters.
  ///
  /// Random ones are made anew from the step's number: no checkpoint holds them.
  private var projections: [Tensor]
  private var turn: Int?
  /// The length of each projected parameter's last step; 0 before the first.
  private let lengths: Tensor

  init(_ settings: APOLLOSettings, _ groups: [ParameterGroup], _ projection: @escaping (Int, Int, [Int]) -> Tensor) {
    self.settings = settings
    adamW = PlainAdamW(beta1: settings.betas[0], beta2: settings.betas[1], epsilon: settings.epsilon)
    slots = ProjectedSlot.all(groups, rank: settings.rank)
    makeProjection = projection
    let projected = slots.filter { $0.place != nil }
    projections = projected.map {
      Tensor(shape: settings.projection == .svd ? [settings.rank, $0.length] : Self.shape($0, settings.rank))
    }
    lengths = Tensor(shape: [projected.count])
  }

  private static func shape(_ slot: ProjectedSlot, _ rank: Int) -> [Int] {
    slot.isRight ? [rank, slot.length] : [slot.length, rank]
  }

  var tensors: [NamedTensor] {
    let vectors: [NamedTensor] =
      settings.projection == .random
      ? []
      : slots.compactMap { slot in
        slot.place.map { ("projection.\(slot.head.parameter.name)", projections[$0]) }
      }
    return slots.flatMap(\.tensors) + vectors + [("lengths", lengths)]
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let isNew = (step.number - 1) % settings.interval == 0
    if settings.projection == .random { draw((step.number - 1) / settings.interval) }
    adamW.take(step, slots, on: compute) { slot, place, gradient in
      let projection = projections[place]
      if settings.projection == .svd, isNew { slot.find(projection, of: gradient, on: compute) }
      // Random ones stand as columns where rows are projected.
      let low =
        slot.isRight || settings.projection == .svd
        ? slot.lowered(gradient, by: projection, on: compute)
        : compute.product(projection, transposesA: true, gradient)
      let direction = Tensor(uninitialized: low.shape)
      adamW.direction(of: low, slot.firstMoment, slot.secondMoment, into: direction, on: compute)
      onElements {
        scale(gradient, as: direction, to: low)
        limit(gradient, place, compute)
      }
      let after = settings.scalesFirst ? 1 : Float(settings.scale.squareRoot())
      adamW.change(step, slot.head, by: gradient, scale: after, on: compute)
    }
  }

  /// Draws the projections of a turn, unless they are there.
  private func draw(_ wanted: Int) {
    guard turn != wanted else { return }
    turn = wanted
    let size = Float(1 / Double(settings.rank).squareRoot())
    for slot in slots {
      guard let place = slot.place else { continue }
      let made = makeProjection(place, wanted, Self.shape(slot, settings.rank))
      onElements { for i in 0..<made.count { made.pointer[i] *= size } }
      projections[place] = made
    }
  }

  /// Multiplies the gradient with how much longer the direction is than the projected gradient: each channel of the longer
  /// side, or all at once.
  private func scale(_ gradient: Tensor, as direction: Tensor, to low: Tensor) {
    let byRows = gradient.rows >= gradient.columns
    let front = settings.scalesFirst ? settings.scale.squareRoot() : 1
    let channels = settings.scaling == .tensor ? 1 : byRows ? gradient.rows : gradient.columns
    func channel(_ row: Int, _ column: Int) -> Int { channels == 1 ? 0 : byRows ? row : column }
    var (long, short) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
    for row in 0..<low.rows {
      for column in 0..<low.columns {
        let (a, b) = (direction.pointer[row * low.columns + column], low.pointer[row * low.columns + column])
        long[channel(row, column)] += Double(a) * Double(a)
        short[channel(row, column)] += Double(b) * Double(b)
      }
    }
    let factors = zip(long, short).map { Float($0.squareRoot() / ($1.squareRoot() + 1e-8) * front) }
    for row in 0..<gradient.rows {
      for column in 0..<gradient.columns {
        gradient.pointer[row * gradient.columns + column] *= factors[channel(row, column)]
      }
    }
  }

  private func limit(_ update: Tensor, _ place: Int, _ compute: Compute) {
    guard settings.limitsGrowth else { return }
    let length = compute.sum(update.count) { squares(update.pointer, $0) }.squareRoot()
    let last = Double(lengths.pointer[place])
    let excess = last > 0 ? max(length / (last + 1e-8), 1.01) / 1.01 : 1
    if excess > 1 { for i in 0..<update.count { update.pointer[i] /= Float(excess) } }
    lengths.pointer[place] = Float(length / excess)
  }
}
