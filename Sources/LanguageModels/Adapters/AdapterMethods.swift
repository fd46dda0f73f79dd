/// The methods of adapters.
package enum AdapterMethods {
  package static let all: [any AdapterMethod.Type] = [
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

  /// The method of a name.
  package static func named(_ name: String) -> (any AdapterMethod.Type)? { all.first { $0.name == name } }

  /// The names of the methods that stand beside linear maps.
  package static var besideMaps: [String] { all.filter { $0.standsBesideMaps }.map { $0.name } }

  /// The names of the methods that take an option.
  package static func taking(_ option: AdapterOptions.Name) -> [String] {
    all.filter { $0.options.contains(option) }.map { $0.name }
  }
}
