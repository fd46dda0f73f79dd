import Tensors
import Testing

/// Expected values: scripts/reference/adamw.py.
@Suite struct OptimizerTests {
  @Test func stepsAgreeWithTorch() {
    let expected: [(norm: Double, values: [Float])] = [
      (
        4.183309555053711,
        [0.4895000159740448, -1.2387499809265137, 1.9880000352859497, -0.009000998921692371, -3.006999969482422]
      ),
      (
        7.934113502502441,
        [0.4790096879005432, -1.2275111675262451, 1.9760626554489136, -0.01845833659172058, -3.0139896869659424]
      ),
      (
        11.700437545776367,
        [0.4685294032096863, -1.2162761688232422, 1.9641685485839844, -0.027435466647148132, -3.0209696292877197]
      ),
    ]
    for compute in allComputes() {
      let p = Parameter(name: "p", value: Tensor(shape: [5], values: [0.5, -1.25, 2, 0.001, -3]), isTrainable: true)
      let frozen = Parameter(name: "frozen", value: Tensor(shape: [2], values: [1, 2]))
      let slots = [AdamWSlot(parameter: p, weightDecay: 0.1), AdamWSlot(parameter: frozen, weightDecay: 0.1)]
      let adamW = AdamW(learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8)
      for (step, expected) in expected.enumerated() {
        let base: [Float] = [1, -2, 0.5, 1e-4, 3]
        let offset: [Float] = [0.1, 0.2, 0.3, 0.4, 0.5]
        p.gradient = Tensor(shape: [5], values: zip(base, offset).map { $0 * Float(step + 1) + $1 })
        let norm = compute.gradientNorm([p, frozen])
        #expect(abs(norm - expected.norm) < 1e-5)
        compute.update(
          slots, with: adamW, step: step + 1, gradientScale: gradientClipScale(norm: norm, maximum: 1))
        #expect(distance(p.value.values, expected.values) < 3e-7)
      }
      #expect(frozen.value.values == [1, 2])
    }
  }

  @Test func smallGradientsAreNotScaled() {
    #expect(gradientClipScale(norm: 0.5, maximum: 1) == 1)
    #expect(gradientClipScale(norm: 0, maximum: 1) == 1)
    #expect(abs(gradientClipScale(norm: 4, maximum: 1) - 0.25) < 1e-6)
  }
}
