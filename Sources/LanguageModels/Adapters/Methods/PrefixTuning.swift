import PreciseJSON
import Tensors

/// Keys and values that stand before those of every layer: prefix tuning (arXiv:2101.00190), without a projection.
package struct PrefixTuning: PromptMethod {
  package var virtualTokens: Int

  package init(virtualTokens: Int) { self.virtualTokens = virtualTokens }

  package static let name = "prefix_tuning"
  package static let summary = "keys and values that stand before those of every layer"
  package static let options: Set<AdapterOptions.Name> = [.virtualTokens]
  package static let standsInLayers = true

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(virtualTokens: options.virtualTokens ?? 20)
  }

  package func validate() throws(AdapterError) {
    guard virtualTokens > 0 else {
      throw .option("virtual_tokens", wanted: "a number from 1 on", found: "\(virtualTokens)")
    }
  }

  package func start(width: Int, random: CounterRandom, rows: () throws -> Tensor) throws -> Tensor {
    var random = random
    let values = Tensor(uninitialized: [virtualTokens, width])
    for index in 0..<values.count { values.pointer[index] = random.normal() }
    return values
  }

  package var facts: [(key: String, value: JSON)] { [("virtual_tokens", JSON(virtualTokens))] }
}
