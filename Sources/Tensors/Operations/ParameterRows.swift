import CTensorKernels

extension Tape {
  /// Some rows of a parameter, of which no others are read; its gradient is added to those alone.
  ///
  /// Made inside of what is recomputed, as ``variable(of:)``.
  package func variable(of parameter: Parameter, rows: Range<Int>) -> Variable {
    let whole = parameter.value
    let width = whole.columns
    let part = Tensor(uninitialized: [rows.count] + whole.shape.dropFirst())
    onElements { part.pointer.update(from: whole.pointer + rows.lowerBound * width, count: part.count) }
    let y = Variable(part, needsGradient: wantsGradient(of: parameter))
    if let node = y.node {
      record { [program = self.rows] in
        guard let dy = node.takeAll(program) else { return }
        let gradient = parameter.gradientForAccumulation()
        onElements {
          let target = gradient.pointer + rows.lowerBound * width
          program.compute.kernels.functions.pointee.add(target, target, dy.pointer, dy.count)
        }
      }
    }
    return y
  }
}
