import LanguageModels
import PreciseJSON

extension AdapterFolder {
  /// What `adapter_config.json` says of every method.
  struct Options {
    var configuration: AdapterConfiguration
    var baseModel: String?
    /// Whether a head that is the embedding moves with it.
    var tiesHead: Bool
  }

  /// What `adapter_config.json` says.
  static func options(_ json: JSON, names: [String], path: String) throws -> Options {
    guard json.object != nil else { throw AdapterFolderError(path, .wrongValue(key: "the file", wanted: "an object")) }
    var options = PEFTOptions(json, names: names)
    let kind = json["peft_type"]?.string ?? LoRA.peftType
    guard let type = PEFTMethods.named(kind) else {
      options.require("peft_type", PEFTMethods.all.map { $0.peftType }.joined(separator: ", ")) { _ in false }
      throw AdapterFolderError(path, problems: options.problems)
    }
    options.require("task_type", "CAUSAL_LM") { $0.string == "CAUSAL_LM" }
    let biases = biases(&options, own: type.ownBiases)
    let modules = options.names("modules_to_save")
    if !type.takesTokens { options.requireNothing("trainable_token_indices") }
    let tokens = tokens(&options)
    let method = type.init(&options)
    options.checkNames(type.knownOptions)
    let selection =
      type.standsBesideMaps ? selection(&options, method) : AdapterSelection(.allLinear)
    guard options.problems.isEmpty else { throw AdapterFolderError(path, problems: options.problems) }
    return Options(
      configuration: AdapterConfiguration(
        selection, method, base: BaseTraining(modules: modules, biases: biases, tokens: tokens)),
      baseModel: json["base_model_name_or_path"]?.string, tiesHead: json["ensure_weight_tying"]?.bool ?? false)
  }

  /// Ids of tokens whose rows of the embedding are trained.
  private static func tokens(_ options: inout PEFTOptions) -> [Int] {
    guard let value = options.value("trainable_token_indices") else { return [] }
    let ids = value.array?.compactMap(\.int)
    options.require("trainable_token_indices", "a list of ids for the embedding") { _ in
      ids != nil && ids?.count == value.array?.count
    }
    return ids ?? []
  }

  private static func biases(_ options: inout PEFTOptions, own: String?) -> BaseTraining.Biases {
    guard let value = options.value("bias") else { return .none }
    let known = ["none"] + (own.map { ["all", $0] } ?? [])
    options.require("bias", known.joined(separator: ", ")) { $0.string.map(known.contains) ?? false }
    return value.string == "all" ? .all : value.string == "none" ? .none : .adapted
  }

  /// What the adapter stands beside; where nothing is listed, the tensors tell.
  private static func selection(
    _ options: inout PEFTOptions, _ method: any AdapterMethod
  ) -> AdapterSelection {
    let modules = options.names.compactMap { AdapterPlace.module(of: $0, method.suffixes) }
    let targets = Set(modules.compactMap { $0.split(separator: ".").last.map(String.init) })
    if targets.isEmpty {
      options.report(.noTargets)
      if let name = options.names.min() { options.report(.unmatchedTensor(name, nearest: nil)) }
    }
    var selection = AdapterSelection(options.modules("target_modules") ?? .list(targets))
    selection.excluded = options.modules("exclude_modules")
    // What is listed and left out again has no tensors.
    if !targets.isEmpty, selection.excluded == nil, options.value("modules_to_save") == nil {
      for name in options.value("target_modules")?.array?.compactMap(\.string) ?? [] {
        if !modules.contains(where: ModuleNames.list([name]).contains) { options.report(.missingTarget(name)) }
      }
    }
    if let value = options.value("layers_to_transform") {
      selection.layers = value.int.map { [$0] } ?? value.array?.compactMap(\.int) ?? []
      if value.int == nil, selection.layers.count != value.array?.count {
        options.report(.wrongValue(key: "layers_to_transform", wanted: "a list of numbers"))
      }
    }
    selection.layersPattern = options.names("layers_pattern")
    return selection
  }

  /// `adapter_config.json` for an adapter of ours: the options that are meant, in PEFT's names.
  static func json(_ adapter: AdapterConfiguration, of model: ModelConfiguration, baseModel: String) -> JSON {
    var members: [String: JSON] = [
      "base_model_name_or_path": JSON(baseModel), "inference_mode": true, "task_type": "CAUSAL_LM",
    ]
    let selection = adapter.selection
    if Swift.type(of: adapter.method).standsBesideMaps {
      members["target_modules"] = json(selection.targets, of: model)
    }
    members["exclude_modules"] = selection.excluded.map { json($0, of: model) }
    if !selection.layers.isEmpty { members["layers_to_transform"] = .array(selection.layers.map { JSON($0) }) }
    if !selection.layersPattern.isEmpty { members["layers_pattern"] = .array(selection.layersPattern.map { JSON($0) }) }
    if let method = adapter.method as? any PEFTMethod {
      members["peft_type"] = JSON(type(of: method).peftType)
      for (key, value) in method.options { members[key] = value }
      switch adapter.base.biases {
      case .none: break
      case .all: members["bias"] = "all"
      case .adapted: members["bias"] = type(of: method).ownBiases.map { JSON($0) }
      }
    }
    if !adapter.base.tokens.isEmpty {
      members["trainable_token_indices"] = .array(adapter.base.tokens.map { JSON($0) })
    }
    if !adapter.base.modules.isEmpty {
      members["modules_to_save"] = .array(adapter.base.modules.map { JSON($0) })
      if model.trainsTiedHead(adapter) { members["ensure_weight_tying"] = true }
    }
    return JSON(members.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
  }

  private static func json(_ names: ModuleNames, of model: ModelConfiguration) -> JSON {
    switch names {
    case .allLinear: return "all-linear"
    case .pattern(let text): return JSON(text)
    case .list(let names):
      // In the order of a block.
      let short = model.maps.map(\.shortName).filter(names.contains)
      return .array((short + names.subtracting(short).sorted()).map { JSON($0) })
    }
  }
}

extension ModelConfiguration {
  /// Whether an adapter trains an embedding that is the head as well.
  func trainsTiedHead(_ adapter: AdapterConfiguration) -> Bool {
    let embedding = name(of: .embedding)
    return head.isTied && trainedTensors(adapter).contains { $0.base == embedding }
  }
}
