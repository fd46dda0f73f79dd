import Tensors

/// A comparison of a backward pass with central differences of its forward pass.
package enum GradientCheck {
  /// One derivative that differs.
  package struct Difference: Sendable, CustomStringConvertible {
    package var parameter: String
    package var index: Int
    package var backward: Double
    package var measured: Double

    package var description: String { "\(parameter)[\(index)]: backward \(backward), measured \(measured)" }
  }

  /// The derivatives that differ by more than `tolerance` · (1 + |measured|); none for a right backward pass.
  ///
  /// The objective is Σ r·y over all outputs with fixed random r, summed in double. Up to 60 elements of each parameter
  /// are moved by ±`step`.
  /// - `forward`: the outputs, as a function of the parameters on a new tape.
  package static func differences(
    _ parameters: [Parameter], _ compute: Compute, step: Float = 1e-2, tolerance: Double = 4e-3,
    key: RandomKey = RandomKey(seed: 3), forward: (Tape) throws -> [Variable]
  ) rethrows -> [Difference] {
    for parameter in parameters {
      parameter.isTrainable = true
      parameter.clearGradient()
    }
    let tape = Tape(compute: compute, records: true, step: key)
    let outputs = try forward(tape)
    var random = CounterRandom(seed: 17)
    let directions = outputs.map { output in
      Tensor(shape: output.value.shape, values: (0..<output.value.count).map { _ in random.normal() })
    }
    let wanted = outputs.filter(\.needsGradient)
    precondition(wanted.count == outputs.count, "Every output of the check depends on a parameter")
    tape.backward(from: tape.scalar(of: outputs, value: 0, gradients: directions))

    func objective() throws -> Double {
      let values = try forward(Tape(compute: compute, records: true, step: key)).map(\.value)
      return zip(values, directions).reduce(0) { sum, pair in
        zip(pair.0.buffer, pair.1.buffer).reduce(sum) { $0 + Double($1.0) * Double($1.1) }
      }
    }
    var found: [Difference] = []
    for parameter in parameters {
      let count = parameter.value.count
      for sample in 0..<min(count, 60) {
        let index = count <= 60 ? sample : Int(random.integer(below: UInt32(count)))
        let original = parameter.value.pointer[index]
        parameter.value.pointer[index] = original + step
        let above = try objective()
        parameter.value.pointer[index] = original - step
        let below = try objective()
        parameter.value.pointer[index] = original
        let measured = (above - below) / (2 * Double(step))
        let backward = Double(parameter.gradient?.pointer[index] ?? 0)
        if !(abs(measured - backward) <= tolerance * (1 + abs(measured))) {
          found.append(
            Difference(parameter: parameter.name, index: index, backward: backward, measured: measured))
        }
      }
    }
    return found
  }
}
