import LanguageModels
import PreciseJSON

extension AdapterFolder {
  /// What `adapter_config.json` says.
  ///
  /// PEFT lets `target_modules` be a pattern and `all-linear`; the tensors tell what it matched.
  static func configuration(
    _ json: JSON, names: [String], path: String
  ) throws -> (AdapterConfiguration, baseModel: String?) {
    guard json.object != nil else { throw AdapterFolderError(path, .wrongValue(key: "the file", wanted: "an object")) }
    var problems = unsupportedOptions(json)
    func number(_ key: String, default fallback: Double?) -> Double {
      guard let value = json[key], !value.isNull else {
        if fallback == nil { problems.append(.wrongValue(key: key, wanted: "a number")) }
        return fallback ?? 1
      }
      guard let number = value.double, number.isFinite else {
        problems.append(.wrongValue(key: key, wanted: "a number"))
        return fallback ?? 1
      }
      return number
    }
    let rank = number("r", default: nil)
    if rank != rank.rounded() || rank < 1 || rank > 65_536 {
      problems.append(.wrongValue(key: "r", wanted: "a whole number from 1 to 65536"))
    }
    let alpha = number("lora_alpha", default: 8)
    if !Float(alpha).isFinite { problems.append(.wrongValue(key: "lora_alpha", wanted: "a number that a float holds")) }
    let dropout = number("lora_dropout", default: 0)
    if !(0..<1).contains(dropout) {
      problems.append(.wrongValue(key: "lora_dropout", wanted: "a number from 0 to below 1"))
    }
    let modules = names.map { (name: $0, module: LanguageModel.module(ofAdapterTensor: $0)) }.filter {
      let pair = LanguageModel.adapterNames($0.module)
      return $0.name == pair.a || $0.name == pair.b
    }
    let targets = Set(modules.compactMap { $0.module.split(separator: ".").last.map(String.init) })
    for name in json["target_modules"]?.array?.compactMap(\.string) ?? [] {
      guard let last = name.split(separator: ".").last, last != "all-linear" else { continue }
      if !targets.isEmpty, !targets.contains(String(last)) { problems.append(.missingTarget(name)) }
    }
    if targets.isEmpty {
      problems.append(.noTargets)
      if let name = names.min() { problems.append(.unmatchedTensor(name, nearest: nil)) }
    }
    guard problems.isEmpty else { throw AdapterFolderError(path, problems: problems) }
    let configuration = AdapterConfiguration(
      rank: Int(rank), alpha: Float(alpha), dropout: Float(dropout), targets: targets,
      usesRSLoRA: json["use_rslora"]?.bool ?? false)
    return (configuration, json["base_model_name_or_path"]?.string)
  }

  /// Options of PEFT that change what is computed or stored, and are not plain LoRA.
  private static func unsupportedOptions(_ json: JSON) -> [AdapterFolderError.Problem] {
    var problems: [AdapterFolderError.Problem] = []
    func require(_ key: String, _ supported: String, _ accepts: (JSON) -> Bool) {
      guard let value = json[key], !value.isNull, !accepts(value) else { return }
      problems.append(.unsupported(key: key, found: value.text(.python), supported: supported))
    }
    func isEmpty(_ value: JSON) -> Bool { value.array?.isEmpty ?? value.object?.isEmpty ?? (value.bool == false) }
    require("peft_type", "LORA") { $0.string == "LORA" }
    require("task_type", "CAUSAL_LM") { $0.string == "CAUSAL_LM" }
    require("bias", "none") { $0.string == "none" }
    for key in ["use_dora", "use_qalora", "lora_bias", "fan_in_fan_out"] { require(key, "false") { $0.bool == false } }
    for key in [
      "modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform", "layer_replication",
      "trainable_token_indices", "target_parameters", "alora_invocation_tokens", "arrow_config", "megatron_config",
    ] { require(key, "nothing", isEmpty) }
    // Starts that change the base's weights as well (PiSSA, OLoRA, LoftQ, CorDA) do not fit the plain base.
    require("init_lora_weights", "true, false, gaussian, orthogonal, eva") {
      $0.bool != nil || ["gaussian", "orthogonal", "eva"].contains($0.string)
    }
    for (key, value) in json.object?.members ?? [] where !knownOptions.contains(key) && !value.isNull && !isEmpty(value)
    {
      problems.append(.unknownOption(key))
    }
    return problems
  }

  /// The options of PEFT's `LoraConfig` (0.18): those that are read or looked at above, and those that decide nothing once
  /// the tensors are there, such as how they were started.
  private static let knownOptions: Set<String> = [
    "alora_invocation_tokens", "alpha_pattern", "arrow_config", "auto_mapping", "base_model_name_or_path", "bias",
    "corda_config", "ensure_weight_tying", "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode",
    "init_lora_weights", "layer_replication", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha",
    "lora_bias", "lora_dropout", "megatron_config", "megatron_core", "modules_to_save", "peft_type", "peft_version",
    "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules", "target_parameters",
    "task_type", "trainable_token_indices", "use_dora", "use_qalora", "use_rslora",
  ]

  /// `adapter_config.json` for an adapter of ours: the options that are meant, in PEFT's names.
  static func json(_ adapter: AdapterConfiguration, of model: ModelConfiguration, baseModel: String) -> JSON {
    // In the order of a block.
    let targets = model.maps.map(\.shortName).filter { adapter.targets.contains($0) }
    let alpha = Double(adapter.alpha)
    return [
      "base_model_name_or_path": JSON(baseModel), "bias": "none", "fan_in_fan_out": false, "inference_mode": true,
      "init_lora_weights": true, "lora_alpha": Int(exactly: alpha).map { JSON($0) } ?? JSON(alpha),
      "lora_dropout": .number(JSONNumber(text: "\(adapter.dropout)")), "peft_type": "LORA", "r": JSON(adapter.rank),
      "target_modules": .array(targets.map { JSON($0) }), "task_type": "CAUSAL_LM", "use_dora": false,
      "use_rslora": JSON(adapter.usesRSLoRA),
    ]
  }
}
