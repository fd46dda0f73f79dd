import LanguageModels
import PreciseJSON

extension JSON {
  /// What families call the number of their blocks.
  private static let counts = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"]
  /// Rules by the numbers of blocks, in whose place the family writes lists.
  private static let rules = ["decoder_sparse_step"]

  /// A `config.json` of the model with more blocks: their number, and every list that has an entry for each.
  func expanded(_ expansion: BlockExpansion) -> JSON {
    guard var object else { return self }
    let blocks = expansion.base.blocks.count
    for (key, value) in object.members where key.contains("layer") {
      if let list = value.array, list.count == blocks { object[key] = .array(expansion.sources.map { list[$0] }) }
    }
    for key in Self.counts where object[key]?.int == blocks { object[key] = JSON(expansion.sources.count) }
    let before = JSONObject(expansion.base.huggingFaceMembers)
    let hasRule = Self.rules.contains { object[$0] != nil }
    for rule in Self.rules { object[rule] = nil }
    for (key, value) in expansion.configuration.huggingFaceMembers
    where before[key] != value || hasRule && value.array != nil {
      // The number stands there under the family's own name already.
      if key == Self.counts[0], object[key] == nil, Self.counts.contains(where: { object[$0] != nil }) { continue }
      object[key] = value
    }
    return .object(object)
  }
}
