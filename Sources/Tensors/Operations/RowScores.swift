extension Tape {
  /// A number for each row, x · w + b: the head of a reward or a value.
  ///
  /// - Parameters:
  ///   - x: [L, C].
  ///   - weight: [1, C].
  ///   - bias: [1].
  /// - Returns: [L]; sums are taken in double, in the order of the columns, and for the parameters in that of the rows.
  /// - Throws: ``TensorError/shape(operation:name:expected:found:)``.
  package func rowScores(_ x: Variable, weight: Parameter, bias: Parameter?) throws -> Variable {
    let input = x.value
    guard weight.value.shape == [1, input.columns] else {
      throw TensorError.shape(
        operation: "row scores", name: weight.name, expected: [1, input.columns], found: weight.value.shape)
    }
    let (count, width) = (input.rows, input.columns)
    let scores = Tensor(uninitialized: [count])
    onElements {
      for row in 0..<count {
        let start = input.pointer + row * width
        var sum = bias.map { Double($0.value.pointer[0]) } ?? 0
        for column in 0..<width { sum += Double(start[column]) * Double(weight.value.pointer[column]) }
        scores.pointer[row] = Float(sum)
      }
    }
    let trainsWeight = wantsGradient(of: weight)
    let trainsBias = bias.map { wantsGradient(of: $0) } ?? false
    let y = Variable(scores, needsGradient: x.needsGradient || trainsWeight || trainsBias)
    if let node = y.node {
      record { [program = rows, x = x.node] in
        guard let dy = node.takeAll(program) else { return }
        if let x {
          let dx = Tensor(uninitialized: input.shape)
          onElements {
            for row in 0..<count {
              for column in 0..<width {
                dx.pointer[row * width + column] = dy.pointer[row] * weight.value.pointer[column]
              }
            }
          }
          x.accumulate(GradientBuffer(dx), program)
        }
        if trainsWeight {
          let gradient = weight.gradientForAccumulation()
          onElements {
            for column in 0..<width {
              var sum = 0.0
              for row in 0..<count { sum += Double(dy.pointer[row]) * Double(input.pointer[row * width + column]) }
              gradient.pointer[column] += Float(sum)
            }
          }
        }
        if trainsBias, let gradient = bias?.gradientForAccumulation() {
          // Of a pair of scores that are only compared, what reaches the bias cancels to exactly zero.
          onElements { gradient.pointer[0] += Float((0..<count).reduce(0.0) { $0 + Double(dy.pointer[$1]) }) }
        }
      }
    }
    return y
  }
}
