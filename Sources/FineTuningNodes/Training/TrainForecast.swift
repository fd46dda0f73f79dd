import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Synchronization
import Tensors
import TokenShards
import Training

extension Train {
  /// The memory of the largest batch that `tokenize` allows, and what recomputation would save of it.
  package static func forecast(_ fields: Fields, _ ancestry: Ancestry) -> Forecast? {
    let shape = shape(fields, ancestry)
    if let known = forecasts.withLock({ $0[shape] }) { return known }
    let forecast = counted(fields, ancestry)
    forecasts.withLock { _ = $0.updateValue(forecast, forKey: shape) }
    return forecast
  }

  /// Forecasts by what decides them: members of a matrix mostly differ in nothing that does.
  private static let forecasts = Mutex<[String: Forecast?]>([:])
  /// Fields that the size of no tensor hangs on.
  private static let sizeless: Set = [
    "learning_rate", "schedule", "max_grad_norm", "epochs", "max_steps", "max_tokens", "max_time",
  ]

  private static func shape(_ fields: Fields, _ ancestry: Ancestry) -> String {
    let node = ancestry.node
    var object = node.fields.json.object ?? JSONObject()
    // Which parts are trained may be drawn.
    let idle = fields.trainable == nil ? sizeless.union(["seed"]) : sizeless
    object.members.removeAll { idle.contains($0.key) }
    let inputs = node.inputs.map { input in
      "\(input.port) \(ancestry[input.port]?.node.planKey.hex ?? "").\(input.output)"
    }
    return ([JSON.object(object).text()] + inputs).joined(separator: "\n")
  }

  private static func counted(_ fields: Fields, _ ancestry: Ancestry) -> Forecast? {
    guard let model = ancestry["model"].flatMap(ForeseenModel.init),
      let longest = ancestry.type(at: "data")?[FacetName.length]?.integer
    else { return nil }
    let selection: PartSelection?
    do {
      selection = try fields.foreseenSelection(
        of: model.configuration, newBlocks: ancestry.type(at: "model")?.newBlocks ?? [])
    } catch { return nil }
    var settings = fields.settings
    settings.draw = selection?.draw
    let recomputations = [fields.recompute] + Recomputation.allCases.filter { $0 != fields.recompute }
    func memory<Declaration: StageDeclaration>(_ declaration: Declaration.Type) -> [StepMemory]? {
      let rows = fullRows(
        fields, declaration.rows, longest: longest, positions: model.configuration.maximumPositions)
      // A step that cannot be taken has no forecast; running says why.
      return try? StepMemory.counted(
        model.configuration, model.computeClass, weights: WeightShapes(formats: model.formats), plan: model.plan,
        adapter: model.adapter, trains: { selection?.names.contains($0) ?? true }, settings: settings,
        stage: declaration.foreseen(fields.own[declaration], rows: rows, of: model.configuration), rows: rows,
        longest: declaration.longest(
          fields.own[declaration], rows: rows.flatMap(\.sequences).map(\.ids.count).max() ?? 1),
        recomputations: recomputations, threads: fields.threads ?? ThreadPool.availableProcessors)
    }
    let counted = memory(fields.stage.declaration)
    guard let counted, let own = counted.first else { return nil }
    let others = othersMemory(fields.stage.declaration, fields, ancestry)
    return Forecast(
      parts: [
        Forecast.Part("model", memory: own.model), Forecast.Part("optimizer", memory: own.optimizer),
        Forecast.Part("activations", memory: own.activations),
      ] + (others > 0 ? [Forecast.Part("other models", memory: others)] : []),
      alternatives: zip(recomputations, counted).dropFirst().map { other, memory in
        Forecast.Alternative(setting: "recompute: \(other.rawValue)", memory: memory.peak + others)
      })
  }

  /// The memory of the models that stand beside the one that is trained.
  private static func othersMemory<Declaration: StageDeclaration>(
    _ declaration: Declaration.Type, _ fields: Fields, _ ancestry: Ancestry
  ) -> Int {
    declaration.standing(fields.own[declaration]).reduce(0) { sum, port in
      let fallback = port == StageModel.reference.port ? ancestry["model"] : nil
      guard let other = (ancestry[port] ?? fallback).flatMap(ForeseenModel.init) else { return sum }
      return sum
        + StepMemory.ofModel(
          other.configuration, other.computeClass, weights: WeightShapes(formats: other.formats), plan: other.plan,
          adapter: other.adapter, threads: fields.threads ?? ThreadPool.availableProcessors)
    }
  }

  /// The rows of a step that fill its largest batch, twice where a step has several batches: then the gradients of the
  /// first are there while the second is computed.
  private static func fullRows(_ fields: Fields, _ shape: RowShape, longest: Int, positions: Int) -> [TokenRow] {
    let row = shape.fullLength(longest: longest)
    let stepTokens = fields.batchTokens ?? fields.batchSize * row
    let most = max(row, min(stepTokens, TrainingSettings.tokenBudget))
    let lengths = [Int](repeating: row, count: most / row) + [most % row].filter { $0 > 3 }
    let batch = lengths.map { shape.fullRow(of: $0, positions: positions) }
    return fields.batchTokens.map({ $0 > most }) ?? (fields.batchSize > batch.count) ? batch + batch : batch
  }
}

/// A model artefact that has yet to be made, as the nodes that make it describe it.
private struct ForeseenModel {
  var configuration: ModelConfiguration
  var computeClass: ComputeClass
  var plan: PrecisionPlan
  /// What the file stores matrices in, where that counts.
  var formats: [String: String]
  /// Nil for a model all of whose weights are trained.
  var adapter: AdapterConfiguration?

  init?(_ ancestry: Ancestry) {
    let fields = ancestry.node.fields
    if let fields = fields.of(LoadModel.Fields.self) {
      guard let text = ancestry.node.seen[LoadModel.configurationSight]?.text,
        let json = try? JSON(parsing: text, file: "config.json"),
        let configuration = try? ModelConfiguration(huggingFace: json)
      else { return nil }
      self.configuration = configuration
      computeClass = fields.compute.resolved
      plan = fields.weights.plan
      formats = ancestry.node.seen[LoadModel.formatsSight]?.text.flatMap(Self.formats) ?? [:]
      return
    }
    guard let source = ancestry["model"], let model = ForeseenModel(source) else { return nil }
    self = model
    if let fields = fields.of(AttachAdapter.Fields.self) {
      guard
        let attached = fields.configuration(
          ancestry.node.files, for: model.configuration, newBlocks: ancestry.type(at: "model")?.newBlocks ?? [])
      else { return nil }
      adapter = attached
    } else if let fields = fields.of(ExpandModel.Fields.self) {
      guard let expansion = try? BlockExpansion(of: configuration, copies: fields.blocks ?? 0) else { return nil }
      let stored = formats
      configuration = expansion.configuration
      formats = Dictionary(
        configuration.tensors.compactMap { tensor in stored[expansion.copied(tensor)].map { (tensor.name, $0) } },
        uniquingKeysWith: { first, _ in first })
    } else if fields.of(Merge.Fields.self) != nil {
      adapter = nil
      plan = PrecisionPlan()
    }
  }

  private static func formats(_ text: String) -> [String: String]? {
    guard let members = (try? JSON(parsing: text, file: ""))?.object?.members else { return nil }
    return Dictionary(members.compactMap { name, value in value.string.map { (name, $0) } }) { first, _ in first }
  }
}
