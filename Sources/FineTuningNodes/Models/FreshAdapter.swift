import LanguageModels
import ModelFolders
import Pipeline
import Tensors

/// A fresh adapter, and what was found out about the maps that it starts from.
struct FreshAdapter {
  private(set) var adapter: AdapterConfiguration
  /// What was found out about a map; nil where the start follows from nothing but the weight.
  private(set) var findings: (AdaptedMap) throws -> MapFindings? = { _ in nil }

  /// - Throws: What asking the model throws where the start looks at rows.
  init(_ fields: AdapterFields, _ artefact: ModelArtefact, _ source: ModelFolder, _ context: NodeContext) throws {
    let model = source.configuration
    adapter = try fields.fresh(for: model, newBlocks: artefact.view.type.newBlocks)
    guard let lora = adapter.method as? LoRA else { return }
    let maps = model.adaptedMaps(adapter)
    func look(_ search: AdapterStartFindings.Search, counts: (AdaptedMap) -> Int) throws -> [String: MapFindings] {
      try AdapterStartFindings(
        artefact: artefact, data: context.input("data"), context: context, search: search, samples: fields.samples
      ).findings(maps, of: model, counts: counts)
    }
    switch lora.start {
    case .standard, .gaussian, .orthogonal, .pissa, .olora: return
    case .loftq:
      let compute = try Compute(threads: context.threads, computeClass: artefact.computeClass)
      let plan = artefact.heldWeights.plan
      let linears = Dictionary(
        model.blocks.enumerated().flatMap { layer, block in
          block.maps.map { (model.moduleName($0.name, layer: layer), $0) }
        }
      ) { first, _ in first }
      findings = { map in
        try context.checkCancellation()
        return try linears[map.module].map { .lost(try plan.lost(source.weight(map), of: $0, compute)) }
      }
    case .corda:
      let end = fields.corda == .ipm ? SingularTriples.End.largest : .smallest
      let found = try look(.weighted(end), counts: lora.rank)
      findings = { map in
        guard case .weighted(let triples)? = found[map.module] else { return nil }
        return .weighted(end == .largest ? triples : triples.suffix(lora.rank(of: map)))
      }
    case .loraGA:
      let found = try look(.gradient(gamma: fields.gamma)) { 2 * lora.rank(of: $0) }
      findings = { found[$0.module] }
    case .eva:
      let found = try look(.inputs(labelsOnly: fields.positions == .labels)) { map in
        Int((Double(lora.rank(of: map)) * fields.rho).rounded(.toNearestOrEven))
      }
      findings = { found[$0.module] }
      let (method, modules) = lora.redistributed(maps, most: fields.rho) { map in
        if case .inputs(let triples)? = found[map.module] { triples.values } else { [] }
      }
      adapter.method = method
      if modules.count < maps.count { adapter.selection = AdapterSelection(.list(Set(modules))) }
      context.log(
        "ranks from \(maps.map { modules.contains($0.module) ? method.rank(of: $0) : 0 }.min() ?? 0) "
          + "to \(maps.map(method.rank).max() ?? 0), \(maps.count - modules.count) maps of \(maps.count) without an adapter"
      )
    }
  }
}
