import LanguageModels
import ModelFolders
import Pipeline
import PreciseJSON
import Tensors
import Training

extension TrainFields {
  /// `trainable`: which of the model's own weights are trained.
  package struct Trainable: TunableGroup {
    var type = BlockParts.name
    var constants: [String: any Tunable] = [:]

    package init() {}

    static var kinds: [any Tunable.Type] { trainedPartKinds }

    package static let fields: [Field<Self>] =
      [Field("type", \.type, kind: .choice(kinds.map { $0.name }), doc: typeDoc)] + constantFields

    var parts: any TrainedParts { chosen as? any TrainedParts ?? BlockParts() }
  }

  /// What is trained of a model of which no weight has been read: the same number of matrices of each kind.
  ///
  /// - Throws: What the selection throws.
  func foreseenSelection(of configuration: ModelConfiguration, newBlocks: [Int]) throws -> PartSelection? {
    try trainable.map { try $0.parts.selection(of: KnownModel(configuration, newBlocks: newBlocks) { _ in 0 }) }
  }

  /// What is wrong with `trainable`, as far as a plan can tell.
  func trainableConflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    guard let trainable else { return [] }
    let model = inputs["model"]
    if model?.type[FacetName.form] == "adapter" {
      return [
        .init(
          port: "trainable", "`trainable` has no effect: the model has an adapter",
          reason: "the adapter alone is trained, with what `attach_adapter` names beside it",
          advice: "say `train_modules` or `layers` there, or leave the adapter out")
      ]
    }
    var conflicts = trainable.conflicts(at: "trainable")
    if let draws = trainable.parts as? DrawnBlockParts {
      let optimizer = Swift.type(of: self.optimizer.settings)
      if optimizer.replacesSchedule || optimizer.name == BAdamSettings.name {
        conflicts.append(
          .init(
            port: "optimizer", "`\(optimizer.name)` does not go with `trainable: {type: lisa}`",
            reason: optimizer.replacesSchedule
              ? "its average goes over all steps, a block has a fresh state every \(draws.interval)"
              : "it trains blocks in turns by itself",
            advice: "choose another optimizer"))
      }
    }
    guard conflicts.isEmpty, let model, let configuration = model.configuration else { return conflicts }
    do {
      _ = try foreseenSelection(of: configuration, newBlocks: model.type.newBlocks)
      return []
    } catch {
      let field = (error as? TrainedPartsError)?.field.map { "trainable.\($0)" } ?? "trainable"
      return Inference.Conflict.all(of: error, at: field)
    }
  }
}

extension Train {
  /// What of the model is trained; nil for all of it.
  static func selection(
    _ fields: Fields, _ artefact: ModelArtefact, _ context: NodeContext
  ) throws -> (selection: PartSelection, report: JSON?)? {
    guard let trainable = fields.trainable, !artefact.hasAdapter else { return nil }
    let spectrum = try ModelSpectrum(artefact, context)
    let configuration = try artefact.source().configuration
    let selection = try trainable.parts.selection(
      of: KnownModel(configuration, newBlocks: artefact.view.type.newBlocks, ratio: spectrum.ratio))
    let tensors = configuration.tensors
    let count = tensors.filter { selection.names.contains($0.name) }.reduce(0) { $0 + $1.shape.reduce(1, *) }
    context.log(
      "trains \(selection.names.count) of \(tensors.count) tensors, \(count) of \(configuration.parameterCount) numbers"
    )
    return (selection, spectrum.report(chosen: selection.names))
  }
}

extension InputTypes.Source {
  /// The model's configuration, where a plan knows it.
  var configuration: ModelConfiguration? {
    seen[LoadModel.configurationSight]?.text
      .flatMap { try? JSON(parsing: $0, file: "config.json") }.flatMap { try? ModelConfiguration(huggingFace: $0) }
  }

  /// What is known of the model for those that take what is made of it without another shape.
  var knownShape: [String: Facet] { seen.filter { $0.key == LoadModel.configurationSight } }
}

extension ArtefactType {
  /// The numbers of the blocks that `expand_model` inserted last.
  var newBlocks: [Int] {
    get { (self[FacetName.newBlocks]?.text ?? "").split(separator: " ").compactMap { Int($0) } }
    set { facets[FacetName.newBlocks] = .text(newValue.map { "\($0)" }.joined(separator: " ")) }
  }
}
