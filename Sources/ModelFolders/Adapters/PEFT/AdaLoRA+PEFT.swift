import LanguageModels
import PreciseJSON

extension AdaLoRA: PEFTMethod {
  static let peftType = "ADALORA"
  static let ownBiases: String? = nil
  static let takesTokens = true
  static let knownOptions: Set<String> = [
    "alora_invocation_tokens", "alpha_pattern", "arrow_config", "beta1", "beta2", "corda_config", "deltaT",
    "eva_config",
    "fan_in_fan_out", "init_lora_weights", "init_r", "layer_replication", "loftq_config", "lora_alpha", "lora_bias",
    "lora_dropout", "megatron_config", "megatron_core", "orth_reg_weight", "qalora_group_size", "r", "rank_pattern",
    "runtime_config", "target_parameters", "target_r", "tfinal", "tinit", "total_step", "use_dora", "use_qalora",
    "use_rslora",
  ]

  init(_ options: inout PEFTOptions) {
    options.requireFalse("fan_in_fan_out", "lora_bias", "use_dora", "use_qalora", "use_rslora")
    options.requireNothing("alpha_pattern", "layer_replication", "target_parameters")
    var kept: [String: [Bool]] = [:]
    for (name, value) in options.value("rank_pattern")?.object?.members ?? [] {
      guard let list = value.array?.compactMap(\.bool), list.count == value.array?.count, name.hasSuffix(".lora_E")
      else {
        options.report(.wrongValue(key: "rank_pattern", wanted: "an object of lists of true and false"))
        continue
      }
      kept[String(name.dropLast(".lora_E".count))] = list
    }
    self.init(
      initialRank: options.count("init_r", default: 12), targetRank: options.count("target_r", default: 8),
      alpha: options.float("lora_alpha", default: 8), dropout: options.probability("lora_dropout"), kept: kept,
      schedule: options.value("total_step") == nil ? Self.schedule(&options) : nil)
  }

  /// What a training is to do; PEFT's own folders say how many steps theirs had.
  private static func schedule(_ options: inout PEFTOptions) -> RankBudget.Schedule {
    RankBudget.Schedule(
      firstSteps: options.count("tinit", default: 0, from: 0), lastSteps: options.count("tfinal", default: 0, from: 0),
      interval: options.count("deltaT", default: 1), beta1: options.number("beta1", default: 0.85),
      beta2: options.number("beta2", default: 0.85), orthogonality: options.number("orth_reg_weight", default: 0.5))
  }

  /// Without a schedule nothing more is taken away.
  var options: [(key: String, value: JSON)] {
    var options: [(key: String, value: JSON)] = [
      ("bias", "none"), ("fan_in_fan_out", false), ("init_lora_weights", true), ("init_r", JSON(initialRank)),
      ("lora_alpha", JSON(peft: alpha)), ("lora_dropout", .number(JSONNumber(text: "\(dropout)"))),
      ("target_r", JSON(targetRank)),
    ]
    if let schedule {
      options += [
        ("tinit", JSON(schedule.firstSteps)), ("tfinal", JSON(schedule.lastSteps)),
        ("deltaT", JSON(schedule.interval)), ("beta1", JSON(schedule.beta1)), ("beta2", JSON(schedule.beta2)),
        ("orth_reg_weight", JSON(schedule.orthogonality)),
      ]
    } else {
      options.append(("total_step", 1))
    }
    if !kept.isEmpty {
      let members = kept.sorted { $0.key < $1.key }.map { module, list in
        (module + ".lora_E", JSON.array(list.map { JSON($0) }))
      }
      options.append(("rank_pattern", JSON(members)))
    }
    return options
  }
}
