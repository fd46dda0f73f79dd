import PreciseJSON

/// Keys and values that stand before those of every layer: prefix tuning (arXiv:2101.00190).
package struct PrefixTuning: PromptMethod {
  package var virtualTokens: Int
  /// How many numbers stand between the two maps that make them while they are learned; nil where nothing does.
  package var projection: Int?

  package init(virtualTokens: Int, projection: Int? = nil) {
    self.virtualTokens = virtualTokens
    self.projection = projection
  }

  package static let name = "prefix_tuning"
  package static let summary = "keys and values that stand before those of every layer"
  package static let options: Set<AdapterOptions.Name> = [.virtualTokens, .projection]
  package static let standsInLayers = true

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(virtualTokens: options.virtualTokens ?? 20, projection: options.projection)
  }

  package func validate() throws(AdapterError) {
    guard virtualTokens > 0 else {
      throw .option("virtual_tokens", wanted: "a number from 1 on", found: "\(virtualTokens)")
    }
  }

  package func encoder(for model: ModelConfiguration) -> (any PromptEncoder)? {
    projection.map { inner in
      ProjectionEncoder(
        virtualTokens: virtualTokens, keys: model.blocks.first?.attention.cached.keys ?? 0, inner: inner,
        width: model.width(of: self))
    }
  }

  package var made: PrefixTuning { PrefixTuning(virtualTokens: virtualTokens) }
  package func width(in shapes: [String: [Int]]) -> Int? {
    shapes[promptTensor]?.last ?? shapes["prompt_encoder.transform.2.bias"]?.first
  }

  package var facts: [(key: String, value: JSON)] {
    [("virtual_tokens", JSON(virtualTokens))] + (projection.map { [("projection", JSON($0))] } ?? [])
  }
}
