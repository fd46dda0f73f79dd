import LanguageModels

/// A few blocks at a time, drawn anew again and again (LISA, arXiv:2403.17919).
package struct DrawnBlockParts: TrainedParts, Hashable {
  package static let name = "lisa"
  package static let doc =
    "takes a few blocks at a time, drawn at random, and what stands outside of blocks all the time (LISA, "
    + "arXiv:2403.17919); a block that is drawn begins with a fresh state of the optimizer, what it had is given up"

  package var count = 2
  package var interval = 20

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("active", \.count, .atLeast(1), unit: "blocks", doc: "How many blocks are trained at a time"),
    .count("switch_every", \.interval, .atLeast(1), unit: "steps", doc: "How long they are trained before others are"),
  ]

  package func selection(of model: KnownModel) throws -> PartSelection {
    let blocks = model.configuration.blocks.count
    guard count < blocks else { throw TrainedPartsError.blocks(field: "active", count, of: blocks) }
    return PartSelection(
      names: Set(model.configuration.tensors.map(\.name)), draw: BlockDraw(count: count, interval: interval))
  }
}
