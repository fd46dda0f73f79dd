import LanguageModels
import PreciseJSON

/// What else PEFT writes down of the model (`token_dim`, `num_layers` and the like) it fills in where it is missing.
extension PromptTuning: PEFTMethod {
  static let peftType = "PROMPT_TUNING"
  static let ownBiases: String? = nil
  static let knownOptions: Set<String> = [
    "num_virtual_tokens", "num_attention_heads", "num_layers", "num_transformer_submodules", "prompt_tuning_init",
    "prompt_tuning_init_state_dict_path", "prompt_tuning_init_text", "token_dim", "tokenizer_kwargs",
    "tokenizer_name_or_path",
  ]

  init(_ options: inout PEFTOptions) {
    options.require("num_transformer_submodules", "1") { $0.int == 1 }
    self.init(virtualTokens: options.count("num_virtual_tokens"))
  }

  var options: [(key: String, value: JSON)] {
    // The tokens are there: nothing is started again.
    [("num_virtual_tokens", JSON(virtualTokens)), ("prompt_tuning_init", "RANDOM")]
  }
}
