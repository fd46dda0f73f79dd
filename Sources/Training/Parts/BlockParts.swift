import LanguageModels

/// Some blocks at one end of the model, whole or in part, and modules outside of blocks.
package struct BlockParts: TrainedParts, Hashable {
  package static let name = "blocks"
  package static let doc = "takes the last or the first blocks, or modules of them (freeze tuning)"

  package var last: Int?
  package var first: Int?
  package var modules: [String] = []
  package var extra: [String] = []

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("last", \.last, .atLeast(1), unit: "blocks", doc: "How many of the last blocks; 2 unless `first` is given"),
    .count("first", \.first, .atLeast(1), unit: "blocks", doc: "How many of the first blocks"),
    .texts(
      "modules", \.modules,
      doc: "What of these blocks is trained, by what their modules are called: `mlp`, `self_attn.q_proj`, "
        + "`input_layernorm`; all of it unless given"),
    .texts(
      "extra_modules", \.extra,
      doc: "Modules outside of blocks that are trained as well: `embed_tokens`, `norm`, `lm_head`; a head that is the "
        + "embedding moves with it"),
  ]

  package var problem: String? { last != nil && first != nil ? "`last` and `first` both say which blocks" : nil }

  package func selection(of model: KnownModel) throws -> PartSelection {
    let configuration = model.configuration
    let count = configuration.blocks.count
    for (field, number) in [("last", last), ("first", first)] {
      if let number, number > count { throw TrainedPartsError.blocks(field: field, number, of: count) }
    }
    let tensors = configuration.tensors
    let inside = tensors.filter { $0.layer != nil }
    for name in modules where !inside.contains(where: { name.isPath(to: $0.moduleInBlock) }) {
      throw TrainedPartsError.unknown(field: "modules", name, known: Self.paths(inside.map(\.moduleInBlock)))
    }
    let outside = tensors.filter { $0.layer == nil }
    for name in extra where !outside.contains(where: { name.isEnd(of: $0.module) }) {
      let known = outside.compactMap { $0.module.split(separator: ".").last.map(String.init) }
      throw TrainedPartsError.unknown(field: "extra_modules", name, known: Self.unique(known))
    }
    let chosen = first.map { 0..<$0 } ?? max(0, count - (last ?? 2))..<count
    return try PartSelection(configuration) { tensor in
      guard let layer = tensor.layer else { return extra.contains { $0.isEnd(of: tensor.module) } }
      return chosen.contains(layer) && (modules.isEmpty || modules.contains { $0.isPath(to: tensor.moduleInBlock) })
    }
  }

  /// Every name with those that it is in: `self_attn`, `self_attn.q_proj`.
  private static func paths(_ modules: [String]) -> [String] {
    unique(
      modules.flatMap { module in
        let parts = module.split(separator: ".")
        return parts.indices.map { parts[...$0].joined(separator: ".") }
      }.filter { !$0.contains(where: \.isNumber) })
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}

extension String {
  /// Whether it is a module's name or that of one that the module is in.
  fileprivate func isPath(to module: String) -> Bool { module == self || module.hasPrefix(self + ".") }

  /// Whether a module is called so, by its whole name or what stands after a dot in it.
  fileprivate func isEnd(of module: String) -> Bool { module == self || module.hasSuffix("." + self) }
}
