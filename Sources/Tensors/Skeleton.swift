package struct KernelSet: Sendable {
  package enum Name: String, Sendable, CaseIterable { case scalar, avx2, avx512 }
  package let name: Name
  package static var best: KernelSet { KernelSet(name: .scalar) }
  package static func named(_ name: Name) -> KernelSet? { nil }
  package static func chosenByEnvironment() throws -> KernelSet { best }
}
func prepareMatrixLibrary() {}
extension Tape {
  func accumulate(_ gradient: Tensor, into variable: Variable) {}
  /// Rows of `table` [V, C] for the given ids: [T, C].
  package func embed(_ ids: [Int32], table: Parameter) throws -> Variable { preconditionFailure("unwritten") }
  package func rmsNorm(_ x: Variable, weight: Parameter, epsilon: Float) -> Variable { preconditionFailure("unwritten") }
  package func addRMSNorm(_ residual: Variable, _ x: Variable, weight: Parameter, epsilon: Float)
    -> (sum: Variable, normed: Variable) { preconditionFailure("unwritten") }
  package func project(_ x: Variable, _ projections: [Projection]) -> [Variable] { preconditionFailure("unwritten") }
  package func attention(
    q: Variable, k: Variable, v: Variable, layout: SequenceLayout, heads: Int, keyValueHeads: Int, headDimension: Int,
    rotary: RotaryTable?, scale: Float
  ) throws -> Variable { preconditionFailure("unwritten") }
  /// Inference only: appends k, v of T new tokens after `cache.count` (call cache.advance(by: T) once after the last layer).
  package func attention(
    q: Variable, k: Variable, v: Variable, cache: KeyValueCache, layer: Int, heads: Int, rotary: RotaryTable?,
    scale: Float
  ) throws -> Variable { preconditionFailure("unwritten") }
  package func gatedActivation(gate: Variable, up: Variable, _ kind: GatedActivation) -> Variable { preconditionFailure("unwritten") }
  package func add(_ a: Variable, _ b: Variable) -> Variable { preconditionFailure("unwritten") }
  package func selectRows(_ x: Variable, _ rows: [Int32]) throws -> Variable { preconditionFailure("unwritten") }
  package func crossEntropy(_ x: Variable, head: MatrixWeight, targets: [Int32], weights: [Float]) throws
    -> (loss: Variable, logProbabilities: [Float], correct: [Bool]) { preconditionFailure("unwritten") }
  package func labelLogProbabilities(_ x: Variable, head: MatrixWeight, targets: [Int32]) throws -> Variable { preconditionFailure("unwritten") }
  /// A number computed outside from `variables`, with its derivatives.
  package func scalar(of variables: [Variable], value: Float, gradients: [Tensor]) -> Variable { preconditionFailure("unwritten") }
}
package enum GatedActivation: Sendable { case silu, geluTanh }
package struct RotaryTable: Sendable {
  package enum Scaling: Sendable, Hashable {
    case none
    case linear(factor: Double)
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalMaximumPosition: Int)
  }
  package let maximumPosition: Int
  package init(headDimension: Int, maximumPosition: Int, base: Double, scaling: Scaling = .none) { self.maximumPosition = maximumPosition }
}
package final class KeyValueCache {
  package let capacity: Int
  package private(set) var count = 0
  package init(layers: Int, keyValueHeads: Int, headDimension: Int, capacity: Int) { self.capacity = capacity }
  package func advance(by tokens: Int) { count += tokens }
  package func truncate(to tokens: Int) { count = min(count, tokens) }
}
package struct AdamW: Sendable {
  package var learningRate: Double
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double
  package init(learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
    self.learningRate = learningRate; self.beta1 = beta1; self.beta2 = beta2; self.epsilon = epsilon
  }
}
/// A parameter with its moments.
package struct AdamWSlot {
  package let parameter: Parameter
  package let firstMoment: Tensor
  package let secondMoment: Tensor
  package let weightDecay: Double
  package init(parameter: Parameter, weightDecay: Double) {
    self.parameter = parameter; self.weightDecay = weightDecay
    firstMoment = Tensor(shape: parameter.value.shape); secondMoment = Tensor(shape: parameter.value.shape)
  }
}
extension Compute {
  /// One AdamW step over all slots whose parameter has a gradient; `step` counts from 1. Gradients are multiplied by `gradientScale` on the way.
  package func update(_ slots: [AdamWSlot], with adamW: AdamW, step: Int, gradientScale: Float = 1) { preconditionFailure("unwritten") }
  /// L2 norm of all gradients together, accumulated in double in tile order.
  package func gradientNorm(_ parameters: [Parameter]) -> Double { preconditionFailure("unwritten") }
}
/// min(1, maximum / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_.
package func gradientClipScale(norm: Double, maximum: Double) -> Float { Float(min(1, maximum / (norm + 1e-6))) }
