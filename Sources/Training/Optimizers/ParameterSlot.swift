import Tensors

/// A parameter with what an optimizer remembers of it.
protocol ParameterSlot {
  var head: SlotHead { get }
  /// What of it belongs into checkpoints, by names that start with what it is: `momentum.`.
  var tensors: [NamedTensor] { get }
}

/// A parameter and the constants of its group.
struct SlotHead {
  let parameter: Parameter
  /// What the schedule's rate is multiplied with.
  let rate: Double
  let weightDecay: Double

  var value: Tensor { parameter.value }
  /// Whether it is a matrix that stands in the middle of a model: no table of embeddings and no output head.
  var isInnerMatrix: Bool {
    parameter.kind == .matrix && parameter.value.shape.count == 2 && !parameter.name.contains("lm_head")
  }
}

extension Array where Element == ParameterGroup {
  /// A slot for every parameter, in the order of the groups.
  func slots<Slot>(_ slot: (SlotHead) -> Slot) -> [Slot] {
    flatMap { group in
      group.parameters.map { slot(SlotHead(parameter: $0, rate: group.rate, weightDecay: group.weightDecay)) }
    }
  }

  /// The groups with those parameters alone that pass; none is left empty.
  func filter(_ passes: (SlotHead) -> Bool) -> [ParameterGroup] {
    compactMap { group in
      var kept = group
      kept.parameters = group.parameters.filter {
        passes(SlotHead(parameter: $0, rate: group.rate, weightDecay: group.weightDecay))
      }
      return kept.parameters.isEmpty ? nil : kept
    }
  }
}

extension Compute {
  /// Elements of a parameter that one tile works on; a multiple of every block that states are cut into.
  static var slotPiece: Int { 1 << 16 }

  /// Elementwise work on every parameter that has a gradient, in fixed pieces that run at the same time.
  ///
  /// - Parameter body: Gets the slot, its gradient's elements, and the piece.
  func elementwise<Slot: ParameterSlot>(
    _ slots: [Slot], _ body: (Slot, UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) {
    var pieces: [(slot: Slot, gradient: Tensor, range: Range<Int>)] = []
    for slot in slots {
      guard let gradient = slot.head.parameter.gradient else { continue }
      for start in stride(from: 0, to: gradient.count, by: Self.slotPiece) {
        pieces.append((slot, gradient, start..<min(gradient.count, start + Self.slotPiece)))
      }
    }
    pool.tiles(pieces.count) { body(pieces[$0].slot, pieces[$0].gradient.pointer, pieces[$0].range) }
  }

  /// Work on every parameter that has a gradient as a whole: small ones side by side, large ones one after the other, whose
  /// work then runs in tiles of its own.
  func wholes<Slot: ParameterSlot>(_ slots: [Slot], _ body: (Slot, Tensor) -> Void) {
    let due = slots.compactMap { slot in slot.head.parameter.gradient.map { (slot, $0) } }
    let small = due.filter { $0.1.count < Self.slotPiece }
    pool.tiles(small.count) { body(small[$0].0, small[$0].1) }
    for (slot, gradient) in due where gradient.count >= Self.slotPiece { body(slot, gradient) }
  }

  /// A sum over 0 ..< `count` in double, of fixed pieces in their order.
  func sum(_ count: Int, _ piece: (Range<Int>) -> Double) -> Double {
    let size = Self.slotPiece
    var sums = [Double](repeating: 0, count: (count + size - 1) / size)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let base = sums.baseAddress else { return }
      pool.tiles(sums.count) { base[$0] = piece($0 * size..<min(count, ($0 + 1) * size)) }
    }
    return sums.reduce(0, +)
  }

  /// Work on 0 ..< `count` in fixed pieces that run at the same time.
  func ranges(_ count: Int, size: Int = slotPiece, _ body: (Range<Int>) -> Void) {
    pool.tiles((count + size - 1) / size) { body($0 * size..<min(count, ($0 + 1) * size)) }
  }
}

/// The sum of squares of some elements, in double.
func squares(_ x: UnsafeMutablePointer<Float>, _ range: Range<Int>) -> Double {
  var sum = 0.0
  for i in range { sum += Double(x[i]) * Double(x[i]) }
  return sum
}
