import PreciseJSON

/// The sums of the steps since the last metrics record.
package struct MetricsWindow {
  /// The member of a record that a clock decides: tokens by the seconds they took.
  package static let measured = "tokens_per_second"

  private(set) var steps = 0
  private(set) var loss = 0.0
  private(set) var tokens = 0
  private(set) var labelTokens = 0
  private(set) var seconds = 0.0
  private(set) var measures = Measures()

  init() {}

  mutating func add(
    loss: Double, tokens: Int, labelTokens: Int, seconds: Double, measures: Measures
  ) {
    steps += 1
    self.loss += loss
    self.tokens += tokens
    self.labelTokens += labelTokens
    self.seconds += seconds
    self.measures.add(measures)
  }

  /// An object of `metrics.jsonl`: the mean loss of the window's steps, the last step's norm and rate, the window's
  /// tokens.
  func record(step: Int, epoch: Double, gradNorm: Double, learningRate: Double) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("step", JSON(step)), ("epoch", JSON(epoch)), ("loss", JSON(loss / Double(max(1, steps)))),
      ("grad_norm", JSON(gradNorm)), ("learning_rate", JSON(learningRate)), ("tokens", JSON(tokens)),
      ("label_tokens", JSON(labelTokens)),
      (Self.measured, JSON(seconds > 0 ? Double(tokens) / seconds : 0)),
    ]
    for (name, value) in measures.means { members.append((name, JSON(value))) }
    return JSON(members)
  }

  var json: JSON {
    let named = measures.named.sorted { $0.key < $1.key }.map { name, measure in
      (key: name, value: [JSON(measure.sum), JSON(measure.weight)] as JSON)
    }
    return [
      "steps": JSON(steps), "loss": JSON(loss), "tokens": JSON(tokens), "label_tokens": JSON(labelTokens),
      "seconds": JSON(seconds), "measures": JSON(named),
    ]
  }

  init?(json: JSON) {
    guard let steps = json["steps"]?.int, let loss = json["loss"]?.double, let tokens = json["tokens"]?.int,
      let labelTokens = json["label_tokens"]?.int, let seconds = json["seconds"]?.double,
      let named = json["measures"]?.object
    else { return nil }
    var measures: [String: Measure] = [:]
    for (name, pair) in named.members {
      guard let pair = pair.array, pair.count == 2, let sum = pair[0].double, let weight = pair[1].double else {
        return nil
      }
      measures[name] = Measure(sum: sum, weight: weight)
    }
    self.measures = Measures(measures)
    self.steps = steps
    self.loss = loss
    self.tokens = tokens
    self.labelTokens = labelTokens
    self.seconds = seconds
  }
}
