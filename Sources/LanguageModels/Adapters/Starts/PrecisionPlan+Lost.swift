import Tensors

extension PrecisionPlan {
  /// What the weight [out, in] of a map loses when it is held as the plan says; nil where it loses nothing.
  package func lost(_ weight: Tensor, of map: LinearConfiguration, _ compute: Compute) throws -> Tensor? {
    // What takes no bytes in the int8 class stands no rounding.
    guard let held = try held(weight, mayRound: map.int8Products != .none, compute) else { return nil }
    let lost = held.numbers(compute)
    for index in 0..<lost.count { lost.pointer[index] = weight.pointer[index] - lost.pointer[index] }
    return lost.buffer.allSatisfy { $0 == 0 } ? nil : lost
  }
}
