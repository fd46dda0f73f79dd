import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors
import Training

extension Train {
  /// The memory of the largest batch that `tokenize` allows, and what recomputation would save of it.
  package static func forecast(_ fields: Fields, _ ancestry: Ancestry) -> Forecast? {
    guard let model = ancestry["model"].flatMap(ForeseenModel.init),
      let longest = ancestry.type(at: "data")?[FacetName.length]?.integer
    else { return nil }
    // A pair is two sequences, each as long as a row may be.
    let row = fields.stage == .dpo ? 2 * longest : longest
    func memory(_ recomputation: Recomputation) -> StepMemory {
      StepMemory(
        model.configuration, model.computeClass, adapter: model.adapter, tokens: max(row, TrainingSettings.tokenBudget),
        recomputation: recomputation)
    }
    let own = memory(fields.recompute)
    return Forecast(
      parts: [
        Forecast.Part("model", memory: own.model), Forecast.Part("optimizer", memory: own.optimizer),
        Forecast.Part("activations", memory: own.activations + own.work),
      ],
      alternatives: Recomputation.allCases.filter { $0 != fields.recompute }.map {
        Forecast.Alternative(setting: "recompute: \($0.rawValue)", memory: memory($0).peak)
      })
  }
}

/// A model artefact that has yet to be made, as the nodes that make it describe it.
private struct ForeseenModel {
  var configuration: ModelConfiguration
  var computeClass: ComputeClass
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
      return
    }
    guard let source = ancestry["model"], let model = ForeseenModel(source) else { return nil }
    self = model
    if let fields = fields.of(AttachAdapter.Fields.self) {
      guard let attached = fields.configuration(ancestry.node.files, for: model.configuration) else { return nil }
      adapter = attached
    } else if fields.of(Merge.Fields.self) != nil {
      adapter = nil
    }
  }
}
