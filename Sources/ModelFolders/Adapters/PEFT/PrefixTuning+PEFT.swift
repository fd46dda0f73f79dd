import LanguageModels
import PreciseJSON

/// What else PEFT writes down of the model (`token_dim`, `num_layers` and the like) it fills in where it is missing.
extension PrefixTuning: PEFTMethod {
  static let peftType = "PREFIX_TUNING"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "encoder_hidden_size", "num_virtual_tokens", "num_attention_heads", "num_layers", "num_transformer_submodules",
    "prefix_projection", "token_dim",
  ]

  init(_ options: inout PEFTOptions) {
    options.require("num_transformer_submodules", "1") { $0.int == 1 }
    let tokens = options.count("num_virtual_tokens")
    // Folders hold what the projection gave, once anything was learned.
    guard options.flag("prefix_projection"), options.names.contains(where: { $0.hasPrefix("prompt_encoder.") }) else {
      self.init(virtualTokens: tokens)
      return
    }
    self.init(virtualTokens: tokens, projection: options.count("encoder_hidden_size"))
  }

  var options: [(key: String, value: JSON)] {
    [("num_virtual_tokens", JSON(virtualTokens)), ("prefix_projection", JSON(projection != nil))]
      + (projection.map { [("encoder_hidden_size", JSON($0))] } ?? [])
  }
}
