import Tensors

/// Other values of parameters, beside those that they have: 4 bytes an element.
struct ParameterCopies {
  let slots: [(parameter: Parameter, copy: Tensor)]

  /// Copies of the values that the parameters have now.
  init(_ parameters: [Parameter]) { slots = parameters.map { ($0, $0.value.copy()) } }

  /// What a checkpoint holds: each under the parameter's name behind `prefix`.
  func tensors(_ prefix: String) -> [NamedTensor] { slots.map { ("\(prefix).\($0.parameter.name)", $0.copy) } }

  /// Takes the values that the parameters have now.
  func keep() {
    onElements {
      for slot in slots { slot.copy.pointer.update(from: slot.parameter.value.pointer, count: slot.copy.count) }
    }
  }

  /// Gives the parameters the values that were kept.
  func putBack() {
    onElements {
      for slot in slots { slot.parameter.value.pointer.update(from: slot.copy.pointer, count: slot.copy.count) }
    }
  }

  /// Puts the copies where the parameters' values are and those where the copies were; twice is not at all.
  func exchange(on compute: Compute) {
    for slot in slots {
      let (value, copy) = (slot.parameter.value, slot.copy)
      compute.ranges(value.count) { range in
        let (p, c) = (value.pointer, copy.pointer)
        for i in range { (p[i], c[i]) = (c[i], p[i]) }
      }
    }
  }
}
