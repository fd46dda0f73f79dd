import Glibc
import Tensors

/// AdamW with moments of 8 bits (arXiv:2110.02861) as bitsandbytes has it: blocks of 256 elements with their largest
/// magnitude and a code of a dynamic map each.
package struct AdamW8BitSettings: OptimizerSettings, Hashable {
  package static let name = "adamw_8bit"
  package static let doc =
    "is AdamW with moments of 8 bits (arXiv:2110.02861); those of embeddings and of small parameters keep 32"

  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8

  package init() {}

  package static let settings: [Setting<Self>] = [
    .betas(\.betas),
    .epsilon(\.epsilon),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { AdamW8BitOptimizer(self, groups) }
}

/// The 256 values that codes of a byte stand for: powers of ten, each with more steps than the one below it.
package struct DynamicMap {
  package let values: [Float]
  /// Halfway between neighbours.
  private let limits: [Double]

  package init(isSigned: Bool) {
    var values: [Float] = [0, 1]
    for exponent in 0..<7 {
      let items = (isSigned ? 1 << exponent : 1 << (exponent + 1)) + 1
      let step = (1 - 0.1 as Float) / Float(items - 1)
      let ends = (0..<items).map { $0 < items / 2 ? 0.1 + step * Float($0) : 1 - step * Float(items - 1 - $0) }
      let power = Float(pow(10, Double(exponent - 6)))
      for (low, high) in zip(ends, ends.dropFirst()) {
        let mean = power * ((low + high) / 2)
        values.append(mean)
        if isSigned { values.append(-mean) }
      }
    }
    self.values = values.sorted()
    limits = zip(self.values, self.values.dropFirst()).map { (Double($0) + Double($1)) / 2 }
  }

  /// The code of the nearest value, of two as near the lower one.
  func code(_ value: Float) -> UInt8 {
    var (low, high) = (0, limits.count)
    while low < high {
      let middle = (low + high) / 2
      if limits[middle] < Double(value) { low = middle + 1 } else { high = middle }
    }
    return UInt8(low)
  }
}

private final class AdamW8BitOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let firstCodes: PackedState<UInt8>
    let secondCodes: PackedState<UInt8>
    /// The largest magnitude of each block.
    let firstScales: Tensor
    let secondScales: Tensor

    init(_ head: SlotHead) {
      self.head = head
      let blocks = (head.value.count + AdamW8BitOptimizer.block - 1) / AdamW8BitOptimizer.block
      (firstCodes, secondCodes) = (PackedState(count: head.value.count), PackedState(count: head.value.count))
      (firstScales, secondScales) = (Tensor(shape: [blocks]), Tensor(shape: [blocks]))
    }

    var tensors: [NamedTensor] {
      let name = head.parameter.name
      return [
        ("first_moment_codes.\(name)", firstCodes.tensor), ("first_moment_scales.\(name)", firstScales),
        ("second_moment_codes.\(name)", secondCodes.tensor), ("second_moment_scales.\(name)", secondScales),
      ]
    }
  }

  private static let block = 256
  /// Parameters with fewer elements keep 32 bits.
  private static let least = 4096

  private let settings: AdamW8BitSettings
  private let slots: [Slot]
  private let rest: any Optimizer
  private let signed = DynamicMap(isSigned: true)
  private let unsigned = DynamicMap(isSigned: false)

  init(_ settings: AdamW8BitSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    func isCoded(_ head: SlotHead) -> Bool { head.value.count >= Self.least && head.parameter.kind != .embedding }
    slots = groups.filter(isCoded).slots(Slot.init)
    var adamW = AdamWSettings()
    (adamW.betas, adamW.epsilon) = (settings.betas, settings.epsilon)
    rest = adamW.optimizer(for: groups.filter { !isCoded($0) })
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) + rest.tensors }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (beta1, beta2) = (settings.betas[0], settings.betas[1])
    let adam = AdamStep(step, betas: settings.betas)
    let epsilon = Float(settings.epsilon)
    let scale = step.gradientScale
    compute.elementwise(slots) { slot, gradient, range in
      let (size, decay) = adam.sizes(of: slot.head)
      let value = slot.head.value.pointer
      let (m, v) = (slot.firstCodes.pointer, slot.secondCodes.pointer)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * Self.block) { moments in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
          let count = min(Self.block, range.upperBound - start)
          let block = start / Self.block
          let (firstScale, secondScale) = (slot.firstScales.pointer[block], slot.secondScales.pointer[block])
          var (firstMost, secondMost): (Float, Float) = (0, 0)
          for i in 0..<count {
            let g = scale * gradient[start + i]
            let first = signed.values[Int(m[start + i])] * firstScale * Float(beta1) + g * Float(1 - beta1)
            let second = unsigned.values[Int(v[start + i])] * secondScale * Float(beta2) + g * g * Float(1 - beta2)
            (moments[i], moments[Self.block + i]) = (first, second)
            firstMost = max(firstMost, abs(first))
            secondMost = max(secondMost, second)
            value[start + i] = value[start + i] * decay - size * first / (second.squareRoot() / adam.root + epsilon)
          }
          (slot.firstScales.pointer[block], slot.secondScales.pointer[block]) = (firstMost, secondMost)
          let (firstFactor, secondFactor) = (firstMost > 0 ? 1 / firstMost : 0, secondMost > 0 ? 1 / secondMost : 0)
          for i in 0..<count {
            m[start + i] = signed.code(moments[i] * firstFactor)
            v[start + i] = unsigned.code(moments[Self.block + i] * secondFactor)
          }
        }
      }
    }
    rest.take(step, on: compute)
  }
}
