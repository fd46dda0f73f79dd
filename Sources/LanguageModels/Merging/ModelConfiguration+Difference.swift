extension ModelConfiguration {
  /// The first thing in which the weights of another model differ in shape, in words; nil where all are alike.
  package func difference(from other: ModelConfiguration) -> String? {
    if family.name != other.family.name { return "one is `\(family.name)`, the other `\(other.family.name)`" }
    let (own, theirs) = (tensors, other.tensors)
    let shapes = Dictionary(theirs.map { ($0.name, $0.shape) }) { first, _ in first }
    for tensor in own {
      guard let shape = shapes[tensor.name] else { return "one has `\(tensor.name)`, the other has not" }
      if shape != tensor.shape { return "`\(tensor.name)` is \(tensor.shape) in one, \(shape) in the other" }
    }
    let names = Set(own.map(\.name))
    return theirs.first { !names.contains($0.name) }.map { "one has no `\($0.name)`, the other has" }
  }
}
