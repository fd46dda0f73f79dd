import Tensors

/// The groups that parameters are trained in: those that decay, and norms and biases, which do not.
func parameterGroups(_ parameters: [Parameter], weightDecay: Double) -> [ParameterGroup] {
  var groups: [ParameterGroup] = []
  for parameter in parameters {
    let isExempt = parameter.kind == .norm || parameter.kind == .bias
    let decay = isExempt ? 0 : weightDecay
    if let index = groups.firstIndex(where: { $0.weightDecay == decay }) {
      groups[index].parameters.append(parameter)
    } else {
      groups.append(ParameterGroup([parameter], weightDecay: decay))
    }
  }
  return groups
}
