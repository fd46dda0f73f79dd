import PreciseJSON
import Tensors

/// Embeddings that stand before every text: prompt tuning (arXiv:2104.08691).
package struct PromptTuning: PromptMethod {
  /// How they begin.
  package enum Start: String, Sendable, Hashable, CaseIterable {
    /// Each number normal, with a deviation of 1.
    case standard = "default"
    /// Rows of the embedding, drawn with repetition.
    case vocabulary
  }

  package var virtualTokens: Int
  package var startsFrom: Start

  package init(virtualTokens: Int, startsFrom: Start = .standard) {
    self.virtualTokens = virtualTokens
    self.startsFrom = startsFrom
  }

  package static let name = "prompt_tuning"
  package static let summary = "embeddings that stand before every text, in place of any change of the model"
  package static let options: Set<AdapterOptions.Name> = [.virtualTokens, .start]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    let name = options.start ?? Start.standard.rawValue
    guard let start = Start(rawValue: name) else {
      throw .unknownStart(name, known: Start.allCases.map(\.rawValue))
    }
    self.init(virtualTokens: options.virtualTokens ?? 20, startsFrom: start)
  }

  package func validate() throws(AdapterError) {
    guard virtualTokens > 0 else {
      throw .option("virtual_tokens", wanted: "a number from 1 on", found: "\(virtualTokens)")
    }
  }

  package func start(width: Int, random: CounterRandom, rows: () throws -> Tensor) throws -> Tensor {
    var random = random
    let values = Tensor(uninitialized: [virtualTokens, width])
    switch startsFrom {
    case .standard: for index in 0..<values.count { values.pointer[index] = random.normal() }
    case .vocabulary:
      let table = try rows()
      for token in 0..<virtualTokens {
        let row = Int(random.integer(below: UInt32(table.rows)))
        (values.pointer + token * width).update(from: table.pointer + row * width, count: width)
      }
    }
    return values
  }

  /// How it began is nothing that folders say.
  package func fitted(to maps: [AdaptedMap]) -> PromptTuning { PromptTuning(virtualTokens: virtualTokens) }

  package var facts: [(key: String, value: JSON)] { [("virtual_tokens", JSON(virtualTokens))] }
}
