import PreciseJSON
import Tensors

/// What a map reads or gives times a trained vector: (IA)³ (arXiv:2205.05638).
package struct IA3: AdapterMethod {
  /// The maps whose inputs are scaled in place of their outputs.
  package var feedForward: ModuleNames

  package init(feedForward: ModuleNames = IA3.usualFeedForward) { self.feedForward = feedForward }

  package static let name = "ia3"
  package static let summary = "a vector that what a map reads or gives is multiplied with"
  package static let options: Set<AdapterOptions.Name> = [.feedForward]

  /// What families call the last map of their feed-forward part.
  package static let usualFeedForward = ModuleNames.list(["down_proj", "dense_4h_to_h", "fc2", "w2", "mlp.c_proj"])

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(feedForward: options.feedForward.map { .list(Set($0)) } ?? Self.usualFeedForward)
  }

  package func validate() throws(AdapterError) {
    if case .pattern(let text) = feedForward, !ModuleNames.isPattern(text) { throw .pattern(text) }
  }

  package static let suffix = "ia3_l"

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    [AdapterTensor(Self.suffix, feedForward.contains(map.module) ? [1, map.inputs] : [map.outputs, 1])]
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    tensors(of: map).map { .constant($0.shape, 1) }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    IA3Map(factors: parameters[0], scalesInput: feedForward.contains(map.module))
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let sum = values[0].values.reduce(0.0) { $0 + (Double($1) - 1) * (Double($1) - 1) }
    return AdapterUpdate(module: map.module, size: sum.squareRoot(), isDead: false)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    guard let shape = shapes[Self.suffix], shape.count == 2 else { return (0, 0) }
    return shape[0] == 1 ? (shape[1], 0) : (0, shape[0])
  }

  /// PEFT wants a list that names targets alone; where maps are called otherwise, a regular expression says the same.
  package func fitted(to maps: [AdaptedMap]) -> IA3 {
    guard case .list(let names) = feedForward else { return self }
    let used = names.filter { name in maps.contains { ModuleNames.list([name]).contains($0.module) } }
    if used.isSubset(of: Set(maps.map(\.shortName))) { return IA3(feedForward: .list(used)) }
    let ends = used.sorted().map { $0.replacing(".", with: "\\.") }.joined(separator: "|")
    return IA3(feedForward: .pattern("(.*\\.)?(\(ends))"))
  }

  package var facts: [(key: String, value: JSON)] { [("feedforward", feedForward.json)] }
}

private struct IA3Map: MapAdapter {
  let factors: Parameter
  let scalesInput: Bool

  var parameters: [Parameter] { [factors] }

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let factors = tape.variable(of: factors)
    if scalesInput { return tape.project(tape.scaleColumns(x, by: factors), [base])[0] }
    return tape.scaleColumns(tape.project(x, [base])[0], by: factors)
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let result = weight.copy()
    onElements {
      for row in 0..<weight.rows {
        for column in 0..<weight.columns {
          result.pointer[row * weight.columns + column] *= factors.value.pointer[scalesInput ? column : row]
        }
      }
    }
    return result
  }

  func merged(bias: Tensor) -> Tensor {
    guard !scalesInput else { return bias }
    let result = bias.copy()
    onElements { for row in 0..<bias.count { result.pointer[row] *= factors.value.pointer[row] } }
    return result
  }
}
