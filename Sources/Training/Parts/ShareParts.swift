import LanguageModels

/// All but a share of the numbers at the bottom of the model.
package struct ShareParts: TrainedParts, Hashable {
  package static let name = "share"
  package static let doc = "leaves a share of the model's numbers as they are, from the embedding on upwards"

  package var frozen = 0.5

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "frozen", \.frozen, SettingRange(lower: 0, upper: 1, excludesLower: true, excludesUpper: true),
      doc: "Tensors in the order of the model stay as they are while they have no more than this share of all numbers "
        + "together")
  ]

  package func selection(of model: KnownModel) throws -> PartSelection {
    let configuration = model.configuration
    let most = frozen * Double(configuration.parameterCount)
    var count = 0
    return try PartSelection(configuration) { tensor in
      count += tensor.shape.reduce(1, *)
      return Double(count) > most
    }
  }
}
