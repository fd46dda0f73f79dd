import LanguageModels
import PreciseJSON

extension LoRA: PEFTMethod {
  static let peftType = "LORA"
  static let ownBiases: String? = "lora_only"
  static let takesTokens = true
  static let knownOptions: Set<String> = [
    "alora_invocation_tokens", "alpha_pattern", "arrow_config", "corda_config", "eva_config", "fan_in_fan_out",
    "init_lora_weights", "layer_replication", "loftq_config", "lora_alpha", "lora_bias", "lora_dropout",
    "megatron_config", "megatron_core", "qalora_group_size", "r", "rank_pattern", "runtime_config",
    "target_parameters", "use_dora", "use_qalora", "use_rslora",
  ]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("use_qalora", "lora_bias", "fan_in_fan_out")
    options.requireNothing(
      "layer_replication", "target_parameters", "alora_invocation_tokens", "arrow_config",
      "megatron_config")
    // Starts that change the base's weights as well do not fit the plain base, unless what they took lies beside.
    let hasStart = options.names.contains { $0.hasSuffix("." + Self.startA) }
    let named = options.value("init_lora_weights")?.string.flatMap(Start.init(rawValue:))
    options.require("init_lora_weights", "true, false, gaussian, orthogonal, eva") { value in
      value.bool != nil || named.map { $0.takesFromWeight ? hasStart : $0 != .loftq } ?? false
    }
    self.init(
      rank: options.count("r"), alpha: options.float("lora_alpha", default: 8),
      dropout: options.probability("lora_dropout"), usesRSLoRA: options.flag("use_rslora"),
      usesDoRA: options.flag("use_dora"), start: named == .eva ? .standard : named ?? .standard,
      rankPattern: options.ranks("rank_pattern"), alphaPattern: options.alphas("alpha_pattern"))
  }

  var options: [(key: String, value: JSON)] {
    [
      ("bias", "none"), ("fan_in_fan_out", false),
      ("init_lora_weights", start == .standard ? true : JSON(start.rawValue)), ("lora_alpha", JSON(peft: alpha)),
      ("lora_dropout", .number(JSONNumber(text: "\(dropout)"))), ("r", JSON(rank)), ("use_dora", JSON(usesDoRA)),
      ("use_rslora", JSON(usesRSLoRA)),
    ] + PEFTOptions.patterns(rankPattern, alphaPattern)
  }
}
