import LanguageModels

/// The blocks that were inserted into the model (LLaMA-Pro, arXiv:2401.02415).
package struct NewBlockParts: TrainedParts, Hashable {
  package static let name = "new_blocks"
  package static let doc = "takes the blocks that `expand_model` inserted (LLaMA-Pro, arXiv:2401.02415)"

  package var inserted: Int?

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count(
      "inserted", \.inserted, .atLeast(1), unit: "blocks",
      doc: "How many blocks were inserted at equal distances, of a model that another program expanded; known where "
        + "`expand_model` stands before")
  ]

  package func selection(of model: KnownModel) throws -> PartSelection {
    let count = model.configuration.blocks.count
    var chosen = Set(model.newBlocks)
    if let inserted {
      guard count % inserted == 0 else { throw TrainedPartsError.uneven(inserted: inserted, blocks: count) }
      let stride = count / inserted
      chosen = Set((1...inserted).map { $0 * stride - 1 })
    }
    guard !chosen.isEmpty else { throw TrainedPartsError.noNewBlocks }
    return try PartSelection(model.configuration) { $0.layer.map(chosen.contains) ?? false }
  }
}
