import Diagnostics
import LanguageModels
import ModelFolders
import Pipeline
import TensorFiles
import Tensors
import TokenShards
import Training

/// What a model makes of some texts, for an adapter that starts from it: a part of its own in the store for each block.
///
/// A part is keyed by the model's digest, the rows' digest, which of them are looked at, the arithmetic and what is looked
/// for, and by nothing else of the node that asks: another `alpha`, seed or scale, and ranks up to the next power of two,
/// take what is there, and a computation that was killed goes on at the block it was in.
struct AdapterStartFindings {
  /// Raised when the same texts and the same model give other findings than before.
  static let part = Part.recipe("adapter-start", version: 1)

  /// The file of a part: `<map>.values` [n], `<map>.left` [n, out] and `<map>.right` [n, in] of each map.
  private static let member = "findings.safetensors"

  let artefact: ModelArtefact
  let data: ArtefactView
  let context: NodeContext
  /// What is looked for, in the key of the parts.
  let search: Search
  /// How many rows are looked at, from the first to the last of the set.
  let samples: Int

  /// What is looked for in texts.
  enum Search {
    /// - Parameter labelsOnly: Whether only tokens count that are learned.
    case inputs(labelsOnly: Bool)
    case weighted(SingularTriples.End)
    case gradient(gamma: Double)

    /// What tells one from others in keys.
    fileprivate var name: String {
      switch self {
      case .inputs(let labelsOnly): labelsOnly ? "inputs-at-labels" : "inputs"
      case .weighted(.largest): "weighted-largest"
      case .weighted(.smallest): "weighted-smallest"
      case .gradient: "gradient"
      }
    }
  }

  /// The findings of all maps of an adapter, by their names.
  ///
  /// - Parameter counts: How many triples of each map.
  func findings(
    _ maps: [AdaptedMap], of model: ModelConfiguration, counts: (AdaptedMap) -> Int
  ) throws -> [String: MapFindings] {
    // So many that other ranks find enough too.
    let most = maps.map(counts).max() ?? 1
    let count = max(16, 1 << (Int.bitWidth - (most - 1).leadingZeroBitCount))
    let sequences = try sampled()
    let source = try artefact.source()
    var maker: (any BlockFindings)?
    var made = 0
    var all: [String: MapFindings] = [:]
    let blocks = model.blocks.indices.map { layer in
      let prefix = model.moduleName("", layer: layer)
      return (layer, maps.filter { $0.module.hasPrefix(prefix) })
    }.filter { !$0.1.isEmpty }
    for (done, (layer, own)) in blocks.enumerated() {
      try context.checkCancellation()
      let names = own.map { String($0.module.dropFirst(model.moduleName("", layer: layer).count)) }
      let part = try context.memo(Self.part, reads: reads(layer, names, count), type: ArtefactType("adapter_start")) {
        builder in
        made += 1
        let looking = try maker ?? self.maker(source, sequences)
        maker = looking
        let found = try looking.findings(of: layer, maps: names, count: count)
        try write(zip(own, names).map { map, name in (map, found[name]) }, to: builder.path(for: Self.member))
      }
      for (map, triples) in try read(part, own) {
        switch search {
        case .inputs: all[map.module] = .inputs(triples)
        case .weighted: all[map.module] = .weighted(triples)
        case .gradient(let gamma): all[map.module] = .gradient(triples, gamma: gamma)
        }
      }
      context.progress(ProgressUpdate(step: done + 1, total: blocks.count, unit: "blocks looked at"))
    }
    context.log(
      "looked at \(sequences.count) texts through \(blocks.count) blocks: \(made) computed, the others were known")
    return all
  }

  private func reads(_ layer: Int, _ maps: [String], _ count: Int) -> [(name: String, value: CanonicalValue)] {
    let held = artefact.heldWeights
    return [
      ("model", .digest(artefact.view.digest)), ("rows", .digest(data.digest)), ("samples", .integer(samples)),
      ("search", .text(search.name)), ("block", .integer(layer)), ("maps", .list(maps.map { .text($0) })),
      ("count", .integer(count)), ("compute", .text(artefact.computeClass.rawValue)),
    ] + (held == .auto ? [] : [("weights", .text(held.rawValue))])
  }

  /// The texts of the rows that are looked at, as far apart as the set allows.
  private func sampled() throws -> [LabelledSequence] {
    let set = try TokenSet(data)
    let count = min(samples, set.count)
    return try (0..<count).flatMap { try set.row($0 * set.count / count).sequences }.filter { $0.ids.count > 1 }.map {
      LabelledSequence(ids: $0.ids, lossMask: $0.lossMask)
    }
  }

  private func maker(_ source: ModelFolder, _ sequences: [LabelledSequence]) throws -> any BlockFindings {
    let compute = try Compute(threads: context.threads, computeClass: artefact.computeClass)
    let longest = sequences.map(\.ids.count).max() ?? 1
    let watch = context.checkCancellation
    switch search {
    case .inputs(let labelsOnly):
      let model = try artefact.languageModel(
        source, compute: compute, plan: artefact.heldWeights.plan, longest: longest)
      return SurveyedInputs(
        survey: try InputSurvey(
          model, .variance, texts: sequences.map { ($0.ids, labelsOnly ? $0.lossMask : $0.ids.map { _ in true }) },
          tokenBudget: TrainingSettings.tokenBudget, watch: watch), source: source)
    case .weighted(let end):
      let model = try artefact.languageModel(
        source, compute: compute, plan: artefact.heldWeights.plan, longest: longest)
      return SurveyedInputs(
        survey: try InputSurvey(
          model, .weighted(end), texts: sequences.map { ($0.ids, []) }, tokenBudget: TrainingSettings.tokenBudget,
          watch: watch), source: source)
    case .gradient:
      return BlockGradients(
        configuration: source.configuration, sequences: sequences, compute: compute, watch: watch
      ) { trains in
        try artefact.languageModel(
          source, compute: compute, plan: artefact.heldWeights.plan, longest: longest, trains: trains)
      }
    }
  }

  private func write(_ found: [(map: AdaptedMap, triples: SingularTriples?)], to path: String) throws {
    var tensors: [(name: String, shape: [Int], values: [Double])] = []
    for case (let map, let triples?) in found {
      tensors.append((map.module + ".values", [triples.count], triples.values))
      if !triples.left.isEmpty { tensors.append((map.module + ".left", [triples.count, map.outputs], triples.left)) }
      tensors.append((map.module + ".right", [triples.count, map.inputs], triples.right))
    }
    let writer = try SafetensorsWriter(
      path: path, tensors: tensors.map { .init(name: $0.name, type: .float32, shape: $0.shape) })
    for (name, _, values) in tensors {
      try values.map { Float($0) }.withUnsafeBufferPointer { try writer.write(name, floats: $0) }
    }
    try writer.finish()
  }

  private func read(_ part: ArtefactView, _ maps: [AdaptedMap]) throws -> [(AdaptedMap, SingularTriples)] {
    let file = try SafetensorsFile(path: part.path(of: Self.member))
    func values(_ name: String) throws -> [Double] {
      guard file.has(name) else { return [] }
      var values = [Float](repeating: 0, count: try file.entry(name).count)
      try values.withUnsafeMutableBufferPointer { try file.readFloats(name, into: $0) }
      return values.map(Double.init)
    }
    return try maps.map { map in
      (
        map,
        SingularTriples(
          values: try values(map.module + ".values"), left: try values(map.module + ".left"),
          right: try values(map.module + ".right"))
      )
    }
  }
}

/// What finds out about the maps of a block.
private protocol BlockFindings {
  /// - Parameter layer: Behind all that were asked for.
  func findings(of layer: Int, maps: [String], count: Int) throws -> [String: SingularTriples]
}

private struct SurveyedInputs: BlockFindings {
  let survey: InputSurvey
  let source: ModelFolder

  func findings(of layer: Int, maps: [String], count: Int) throws -> [String: SingularTriples] {
    let model = source.configuration
    return try survey.findings(of: layer, maps: maps, count: count) { name in
      guard let map = model.blocks[layer].maps.first(where: { $0.name == name }) else {
        throw WeightError.unknown(name: name)
      }
      return try source.weight(
        AdaptedMap(
          module: model.moduleName(name, layer: layer), inputs: map.inputs, outputs: map.outputs,
          isTransposed: map.isTransposed))
    }
  }
}

/// Gradients of weights, of some blocks at a time: as many as fit into a gigabyte in 32-bit floats.
private final class BlockGradients: BlockFindings {
  private let configuration: ModelConfiguration
  private let sequences: [LabelledSequence]
  private let compute: Compute
  private let watch: () throws -> Void
  private let load: (@escaping (String) -> Bool) throws -> LanguageModel
  private var blocks = 0..<0
  private var gradients: [String: Tensor] = [:]

  init(
    configuration: ModelConfiguration, sequences: [LabelledSequence], compute: Compute,
    watch: @escaping () throws -> Void, load: @escaping (@escaping (String) -> Bool) throws -> LanguageModel
  ) {
    self.configuration = configuration
    self.sequences = sequences
    self.compute = compute
    self.watch = watch
    self.load = load
  }

  func findings(of layer: Int, maps: [String], count: Int) throws -> [String: SingularTriples] {
    if !blocks.contains(layer) { try look(from: layer) }
    let wanted = try maps.map { name in
      guard let gradient = gradients[configuration.moduleName(name, layer: layer) + ".weight"] else {
        throw WeightError.unknown(name: name)
      }
      return gradient
    }
    try watch()
    let found = compute.pool.made(wanted.count) { index in
      let gradient = wanted[index]
      return SingularTriples(
        of: gradient.buffer.map(Double.init), rows: gradient.rows, columns: gradient.columns, count: count)
    }
    return Dictionary(uniqueKeysWithValues: zip(maps, found))
  }

  private func look(from layer: Int) throws {
    gradients = [:]
    let bytes = configuration.blocks[layer].maps.reduce(0) { $0 + 4 * $1.inputs * $1.outputs }
    blocks = layer..<min(configuration.blocks.count, layer + max(1, (1 << 30) / max(1, bytes)))
    let names = Set(
      blocks.flatMap { block in
        configuration.blocks[block].maps.map { configuration.moduleName($0.name, layer: block) + ".weight" }
      })
    let model = try load(names.contains)
    try model.addGradients(of: sequences, tokenBudget: TrainingSettings.tokenBudget, watch: watch)
    for parameter in model.parameters where names.contains(parameter.name) {
      gradients[parameter.name] = parameter.gradient ?? Tensor(shape: parameter.value.shape)
    }
  }
}
