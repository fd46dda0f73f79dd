import LanguageModels
import PreciseJSON
import Tensors

/// A method as PEFT writes it down: the options of its own in `adapter_config.json`, read and written side by side.
protocol PEFTMethod: AdapterMethod {
  /// What `peft_type` says.
  static var peftType: String { get }
  /// What `bias` says where the biases of the adapted maps are trained; nil where PEFT's method trains none.
  static var ownBiases: String? { get }
  /// Whether PEFT's method trains rows of the embedding beside the adapter.
  static var takesTokens: Bool { get }
  /// Every option of the method's class in PEFT but those of ``PEFTOptions/common``: what is read or looked at, and what
  /// decides nothing once the tensors are there.
  static var knownOptions: Set<String> { get }

  /// Options that mean another computation are reported to the reader.
  init(_ options: inout PEFTOptions)

  /// The options, in PEFT's names.
  var options: [(key: String, value: JSON)] { get }
}

extension PEFTMethod {
  static var takesTokens: Bool { false }
}

/// The methods that PEFT's folders may hold.
package enum PEFTMethods {
  static let all: [any PEFTMethod.Type] = [
    LoRA.self,
    IA3.self,
    OFT.self,
    LoHa.self,
    LoKr.self,
    VeRA.self,
    HRA.self,
    BOFT.self,
    MiSS.self,
    RoAd.self,
    C3A.self,
    AdaLoRA.self,
    PromptTuning.self,
    PTuning.self,
    PrefixTuning.self,
  ]

  /// The names of the methods beside which PEFT trains biases.
  package static let withBiases = all.filter { $0.ownBiases != nil }.map { $0.name }
  /// The names of the methods beside which PEFT trains rows of the embedding.
  package static let withTokens = all.filter { $0.takesTokens }.map { $0.name }

  static func named(_ peftType: String) -> (any PEFTMethod.Type)? { all.first { $0.peftType == peftType } }
}

/// Reads `adapter_config.json` and gathers what is wrong with it.
struct PEFTOptions {
  let json: JSON
  /// The tensors that lie beside it.
  let names: [String]
  private(set) var problems: [AdapterFolderError.Problem] = []

  init(_ json: JSON, names: [String]) {
    self.json = json
    self.names = names
  }

  mutating func report(_ problem: AdapterFolderError.Problem) { problems.append(problem) }

  /// The value of an option that is there and not null.
  func value(_ key: String) -> JSON? {
    guard let value = json[key], !value.isNull else { return nil }
    return value
  }

  /// - Parameter fallback: What counts where nothing is said; nil for an option that must be there.
  mutating func number(_ key: String, default fallback: Double?) -> Double {
    guard let value = value(key) else {
      if fallback == nil { report(.wrongValue(key: key, wanted: "a number")) }
      return fallback ?? 1
    }
    guard let number = value.double, number.isFinite else {
      report(.wrongValue(key: key, wanted: "a number"))
      return fallback ?? 1
    }
    return number
  }

  /// A number that a float holds.
  mutating func float(_ key: String, default fallback: Double?) -> Float {
    let number = number(key, default: fallback)
    if !Float(number).isFinite { report(.wrongValue(key: key, wanted: "a number that a float holds")) }
    return Float(number)
  }

  /// A whole number from 1 on.
  mutating func count(_ key: String, default fallback: Double? = nil, from least: Int = 1) -> Int {
    let number = number(key, default: fallback)
    if number != number.rounded() || number < Double(least) || number > 65_536 {
      report(.wrongValue(key: key, wanted: "a whole number from \(least) to 65536"))
      return max(least, 1)
    }
    return Int(number)
  }

  mutating func probability(_ key: String) -> Float {
    let number = number(key, default: 0)
    if !(0..<1).contains(number) { report(.wrongValue(key: key, wanted: "a number from 0 to below 1")) }
    return Float(number)
  }

  mutating func flag(_ key: String, default fallback: Bool = false) -> Bool {
    guard let value = value(key) else { return fallback }
    if value.bool == nil { report(.wrongValue(key: key, wanted: "true or false")) }
    return value.bool ?? fallback
  }

  /// Names, one of them, or nothing.
  mutating func names(_ key: String) -> [String] {
    guard let value = value(key) else { return [] }
    if let name = value.string { return [name] }
    let names = value.array?.compactMap(\.string)
    if names == nil || names?.count != value.array?.count { report(.wrongValue(key: key, wanted: "a list of names")) }
    return names ?? []
  }

  /// A list of names, a regular expression, or nothing.
  mutating func modules(_ key: String) -> ModuleNames? {
    guard let value = value(key) else { return nil }
    if let text = value.string {
      if text == "all-linear" { return .allLinear }
      if !ModuleNames.isPattern(text) { report(.wrongValue(key: key, wanted: "a regular expression")) }
      return .pattern(text)
    }
    let list = names(key)
    return list.isEmpty ? nil : .list(Set(list))
  }

  /// Values for modules, by regular expressions.
  mutating func patterns(_ key: String) -> [(pattern: String, value: Double)] {
    guard let value = value(key) else { return [] }
    guard let members = value.object?.members else {
      if !value.isEmpty { report(.wrongValue(key: key, wanted: "an object of numbers")) }
      return []
    }
    return members.compactMap { pattern, value in
      guard let number = value.double, number.isFinite, ModuleNames.isPattern(pattern) else {
        report(.wrongValue(key: key, wanted: "an object of regular expressions and numbers"))
        return nil
      }
      return (pattern, number)
    }
  }

  /// Other ranks for some modules.
  mutating func ranks(_ key: String) -> [ModulePattern<Int>] {
    patterns(key).compactMap { pattern, value in
      if value != value.rounded() || !(1...65_536).contains(value) {
        report(.wrongValue(key: key, wanted: "an object of whole numbers from 1 to 65536"))
        return nil
      }
      return ModulePattern(pattern, Int(value))
    }
  }

  /// Other alphas for some modules.
  mutating func alphas(_ key: String) -> [ModulePattern<Float>] {
    patterns(key).map { ModulePattern($0.pattern, Float($0.value)) }
  }

  /// What ``ranks(_:)`` and ``alphas(_:)`` read; nothing where there are none.
  static func patterns(
    _ ranks: [ModulePattern<Int>], _ alphas: [ModulePattern<Float>]
  ) -> [(key: String, value: JSON)] {
    var options: [(key: String, value: JSON)] = []
    if !ranks.isEmpty { options.append(("rank_pattern", JSON(ranks.map { ($0.pattern, JSON($0.value)) }))) }
    if !alphas.isEmpty { options.append(("alpha_pattern", JSON(alphas.map { ($0.pattern, JSON(peft: $0.value)) }))) }
    return options
  }

  /// Refuses an option that is there, says something, and says anything else than what is computed.
  mutating func require(_ key: String, _ supported: String, _ accepts: (JSON) -> Bool) {
    guard let value = value(key), !accepts(value) else { return }
    report(.unsupported(key: key, found: value.text(.python), supported: supported))
  }

  /// Refuses options that say something.
  mutating func requireNothing(_ keys: String...) { for key in keys { require(key, "nothing", \.isEmpty) } }

  mutating func requireFalse(_ keys: String...) { for key in keys { require(key, "false") { $0.bool == false } } }

  /// Refuses numbers that are not 0.
  mutating func requireZero(_ keys: String...) { for key in keys { require(key, "0") { $0.double == 0 } } }

  /// Reports options that nobody knows.
  mutating func checkNames(_ known: Set<String>) {
    for (key, value) in json.object?.members ?? []
    where !known.contains(key) && !Self.common.contains(key) && !value.isNull && !value.isEmpty {
      report(.unknownOption(key))
    }
  }

  /// What the configurations of all methods may have.
  static let common: Set<String> = [
    "auto_mapping", "base_model_name_or_path", "bias", "ensure_weight_tying", "exclude_modules", "inference_mode",
    "layers_pattern", "layers_to_transform", "modules_to_save", "peft_type", "peft_version", "revision",
    "target_modules", "task_type", "trainable_token_indices",
  ]
}

extension JSON {
  /// Whether it says nothing: an empty list or object, or false.
  var isEmpty: Bool { array?.isEmpty ?? object?.members.isEmpty ?? (bool == false) }

  /// A number as PEFT would write it: whole where it is.
  init(peft number: Float) {
    self = Int(exactly: Double(number)).map { JSON($0) } ?? JSON(Double(number))
  }
}
