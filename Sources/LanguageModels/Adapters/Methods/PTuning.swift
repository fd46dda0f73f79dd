import PreciseJSON

/// Embeddings before every text that an encoder makes while they are learned: p-tuning (arXiv:2103.10385).
package struct PTuning: PromptMethod {
  /// What makes them.
  package struct Encoder: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
      /// Three maps with rectifiers between them.
      case mlp
      /// Layers with a memory that read the tokens from both ends, and two maps.
      case lstm
    }

    package var kind: Kind
    /// How many numbers stand between its maps, or are remembered in a direction; nil for the width of the model.
    package var size: Int?
    /// Those with a memory.
    package var layers: Int

    package init(_ kind: Kind = .mlp, size: Int? = nil, layers: Int = 2) {
      self.kind = kind
      self.size = size
      self.layers = layers
    }
  }

  package var virtualTokens: Int
  /// Nil once the tokens are made.
  package var encoder: Encoder?

  package init(virtualTokens: Int, encoder: Encoder?) {
    self.virtualTokens = virtualTokens
    self.encoder = encoder
  }

  package static let name = "p_tuning"
  package static let summary = "embeddings that stand before every text, made by a small network while they are learned"
  package static let options: Set<AdapterOptions.Name> = [.virtualTokens, .encoder, .encoderSize]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(
      virtualTokens: options.virtualTokens ?? 20,
      encoder: Encoder(options.encoder ?? .mlp, size: options.encoderSize, layers: options.encoderLayers ?? 2))
  }

  package func validate() throws(AdapterError) {
    guard virtualTokens > 0 else {
      throw .option("virtual_tokens", wanted: "a number from 1 on", found: "\(virtualTokens)")
    }
  }

  package func encoder(for model: ModelConfiguration) -> (any PromptEncoder)? {
    guard let encoder else { return nil }
    let (width, inner) = (model.hiddenSize, encoder.size ?? model.hiddenSize)
    return switch encoder.kind {
    case .mlp: PerceptronEncoder(virtualTokens: virtualTokens, width: width, inner: inner)
    case .lstm: RecurrentEncoder(virtualTokens: virtualTokens, width: width, inner: inner, layers: encoder.layers)
    }
  }

  package var made: PTuning { PTuning(virtualTokens: virtualTokens, encoder: nil) }
  package func width(in shapes: [String: [Int]]) -> Int? {
    (shapes[promptTensor] ?? shapes["prompt_encoder.embedding.weight"])?.last
  }

  package var facts: [(key: String, value: JSON)] {
    [("virtual_tokens", JSON(virtualTokens))]
      + (encoder.map { encoder in
        [("encoder", JSON(encoder.kind.rawValue))] + (encoder.size.map { [("encoder_size", JSON($0))] } ?? [])
      } ?? [])
  }
}
