import LanguageModels
import PreciseJSON

/// PEFT's folders hold what the encoder made. Those of an adapter that has learned nothing yet hold the encoder, which PEFT does not
/// read.
extension PTuning: PEFTMethod {
  static let peftType = "P_TUNING"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "encoder_dropout", "encoder_hidden_size", "encoder_num_layers", "encoder_reparameterization_type",
    "num_attention_heads", "num_layers", "num_transformer_submodules", "num_virtual_tokens", "token_dim",
  ]

  init(_ options: inout PEFTOptions) {
    options.require("num_transformer_submodules", "1") { $0.int == 1 }
    let tokens = options.count("num_virtual_tokens")
    guard !options.names.contains(where: { $0.hasPrefix("prompt_encoder.") }) else {
      options.requireZero("encoder_dropout")
      let kind = Encoder.Kind(rawValue: options.value("encoder_reparameterization_type")?.string?.lowercased() ?? "mlp")
      if kind == nil { options.require("encoder_reparameterization_type", "MLP, LSTM") { _ in false } }
      let size = options.value("encoder_hidden_size") == nil ? nil : options.count("encoder_hidden_size")
      self.init(
        virtualTokens: tokens,
        encoder: Encoder(kind ?? .mlp, size: size, layers: options.count("encoder_num_layers", default: 2)))
      return
    }
    self.init(virtualTokens: tokens, encoder: nil)
  }

  var options: [(key: String, value: JSON)] {
    [("num_virtual_tokens", JSON(virtualTokens))]
      + (encoder.map { encoder in
        [
          ("encoder_reparameterization_type", JSON(encoder.kind.rawValue.uppercased())),
          ("encoder_num_layers", JSON(encoder.layers)), ("encoder_hidden_size", encoder.size.map { JSON($0) } ?? .null),
        ]
      } ?? [])
  }
}
