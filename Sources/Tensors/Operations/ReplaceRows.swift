import CTensorKernels

extension Tape {
  /// x [T, C] with some of its rows taken from another array [n, C].
  ///
  /// - Parameter places: For each row of x the row of `other` that stands in its place; nil where it stays. A row of `other`
  ///   may stand in several places: its gradient is the sum over them, in their order.
  package func replaceRows(_ x: Variable, _ places: [Int?], with other: Variable) -> Variable {
    let (source, values) = (x.value, other.value)
    let width = source.columns
    precondition(places.count == source.rows && values.columns == width, "Rows are replaced by such as they are")
    let result = Tensor(uninitialized: source.shape)
    let y = Variable(result, needsGradient: x.needsGradient || other.needsGradient)
    compute.pieces(of: places.count, size: 128) { piece in
      for row in piece {
        let from = places[row].map { values.pointer + $0 * width } ?? source.pointer + row * width
        (result.pointer + row * width).update(from: from, count: width)
      }
    }
    guard let node = y.node else { return y }
    let (kept, taken) = (x.node, other.node)
    record { [program = self.rows] in
      guard let dy = node.takeAll(program) else { return }
      for (input, isKept) in [(kept, true), (taken, false)] {
        guard let input else { continue }
        let target = input.target(program)
        program.run()
        let (dx, accumulates) = (target.array.tensor, target.accumulates)
        onElements {
          if !accumulates { dx.pointer.update(repeating: 0, count: dx.count) }
          for (row, place) in places.enumerated() where (place == nil) == isKept {
            let sum = dx.pointer + (place ?? row) * width
            program.compute.kernels.functions.pointee.add(sum, sum, dy.pointer + row * width, width)
          }
        }
      }
    }
    return y
  }
}
