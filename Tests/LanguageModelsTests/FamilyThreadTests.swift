import LanguageModels
import Tensors
import TestKit
import Testing

/// One dense, one parallel, one windowed and one expert family: what is computed does not depend on how many compute it.
@Suite("Families with any number of threads")
struct FamilyThreadTests {
  @Test(arguments: ["llama", "phi", "gemma2", "qwen2_moe", "deepseek_v3", "gpt_oss"])
  func areTheSameBits(name: String) throws {
    let fixture = try FamilyFixture(name)
    let sequences = try fixture.sequences() + fixture.sequences()
    func bits(_ threads: Int) throws -> [[UInt32]] {
      let model = try fixture.model(threads: threads, trains: { _ in true })
      _ = try lossAndGradients(model, [sequences])
      let cache = model.keyValueCache(capacity: 30)
      let logits = try model.nextLogits(Array(sequences[0].ids.prefix(20)), cache: cache)
      return [logits.values.map(\.bitPattern)]
        + model.trainableParameters.map { $0.gradient?.values.map(\.bitPattern) ?? [] }
    }
    let one = try bits(1)
    for threads in 2...3 { #expect(try bits(threads) == one, "\(threads) threads") }
  }
}
