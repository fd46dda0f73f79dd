import Tensors

/// What a training changes, in groups that are treated alike.
package struct ParameterGroups {
  /// Those that are trained, in the order they were given.
  package private(set) var parameters: [Parameter] = []
  package private(set) var groups: [ParameterGroup] = []

  /// Sorts parameters into groups: by rules, by what they are, and those that decay apart from norms and biases, which do
  /// not.
  ///
  /// Those that a rule freezes are made untrainable, so that no gradient is computed for them.
  /// - Throws: ``TrainingError`` for a rule that is about no parameter, and when nothing is left to train.
  package init(
    _ all: [Parameter], _ rules: ParameterRules, learningRate: Double, weightDecay: Double
  ) throws(TrainingError) {
    let patterns = rules.rules.map { try? Regex($0.pattern) }
    var matched = rules.rules.map { _ in (any: false, first: false) }
    var (hasEmbeddings, hasFactors) = (false, false)
    for parameter in all {
      let hits = patterns.indices.filter { index in
        patterns[index].map { parameter.name.firstMatch(of: $0) != nil } ?? false
      }
      for index in hits { matched[index].any = true }
      if let first = hits.first { matched[first].first = true }
      let rule = hits.first.map { rules.rules[$0] }
      if rule?.isFrozen == true {
        parameter.isTrainable = false
        continue
      }
      let isExempt = parameter.kind == .norm || parameter.kind == .bias
      let decay = rule?.weightDecay ?? (isExempt ? 0 : weightDecay)
      var rate = rule?.rate
      if rule == nil, let own = rules.embeddingRate, parameter.kind == .embedding {
        (rate, hasEmbeddings) = (own, true)
      } else if rule == nil, let ratio = rules.loraPlusRatio, parameter.isFactorOrVector {
        rate = .factor(ratio)
        hasFactors = hasFactors || parameter.isSecondFactor
      }
      if let rate, !rate.isMeasurable(beside: learningRate) {
        throw .setting(
          name: "learning_rate", found: "\(learningRate)",
          wanted: "a number above 0, beside which groups have their own")
      }
      add(parameter, rate: rate?.factor(of: learningRate) ?? 1, weightDecay: decay)
    }
    let shapes = Self.shapes(all.map(\.name))
    if let index = matched.firstIndex(where: { !$0.first }) {
      throw .noSuchParameter(pattern: rules.rules[index].pattern, isTaken: matched[index].any, names: shapes)
    }
    if rules.embeddingRate != nil, !hasEmbeddings { throw .noParameter(of: "embedding_learning_rate", names: shapes) }
    if rules.loraPlusRatio != nil, !hasFactors { throw .noParameter(of: "lora_plus_ratio", names: shapes) }
    guard !parameters.isEmpty else { throw .allFrozen }
  }

  private mutating func add(_ parameter: Parameter, rate: Double, weightDecay: Double) {
    parameters.append(parameter)
    if let index = groups.firstIndex(where: { $0.rate == rate && $0.weightDecay == weightDecay }) {
      groups[index].parameters.append(parameter)
    } else {
      groups.append(ParameterGroup([parameter], rate: rate, weightDecay: weightDecay))
    }
  }

  /// Names with the numbers of layers left open, each once: `model.layers.N.mlp.up_proj.weight`.
  static func shapes(_ names: [String]) -> [String] {
    var shapes: [String] = []
    for name in names {
      let shape = name.split(separator: ".", omittingEmptySubsequences: false)
        .map { Int($0) == nil ? String($0) : "N" }.joined(separator: ".")
      if !shapes.contains(shape) { shapes.append(shape) }
    }
    return shapes
  }
}

extension Parameter {
  /// Whether it is the second factor of a LoRA beside a linear map.
  fileprivate var isSecondFactor: Bool { name.contains("lora_B") }
  /// What LoRA+ trains at a higher rate, as PEFT's function sorts parameters.
  fileprivate var isFactorOrVector: Bool { isSecondFactor || value.shape.count == 1 }
}
