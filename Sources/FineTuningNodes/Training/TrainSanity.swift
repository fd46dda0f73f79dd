import LanguageModels
import ModelFolders
import Pipeline
import Tensors
import Training

/// What a training checks about itself: what can be known before the first step, and the rest at its end.
enum TrainSanity {
  /// - Throws: ``SanityError`` when the training would come to nothing, and what reading rows throws.
  static func begin(
    _ loop: TrainingLoop<some TrainingStage>, _ data: ArtefactView, _ rows: TokenSet, _ context: NodeContext
  ) throws -> SanityReport {
    var sanity = SanityReport(context)
    try SanityReport.refuse(EmptyRows(data))
    try sanity.add(StopToken(data, rows))
    try sanity.add(DiskSpace(loop.checkpointSpace(), result: resultBytes(loop.model), context))
    return sanity
  }

  /// - Throws: What reading the values at the start throws.
  static func end(
    _ sanity: inout SanityReport, _ result: TrainingResult, _ model: LanguageModel, _ artefact: ModelArtefact,
    _ data: ArtefactView, _ expectation: FirstLoss.Expectation?
  ) throws {
    try sanity.add(EmptyRows(data, seen: result.watch))
    if let expectation, let loss = result.watch.firstLoss { try sanity.add(FirstLoss(loss, expectation)) }
    try sanity.add(GradientCourse(result.watch))
    let start = try ParameterSource(model.configuration, artefact.start(), compute: model.compute)
    let movement = try ParameterMovement(model.trainableParameters, since: start, pool: model.compute.pool)
    try sanity.add(
      MovedParameters(
        movement, movingSteps: result.watch.movingSteps,
        movesLate: { name in
          // Nothing reaches the inside of a new block before what it writes has moved.
          model.adapter?.movesLate(name)
            ?? artefact.view.type.newBlocks.contains { name.hasPrefix(model.configuration.moduleName("", layer: $0)) }
        }))
    if let adapter = model.adapter, type(of: adapter.method).standsBesideMaps {
      try sanity.add(AdapterEffect(model.adapterUpdates))
    }
  }

  /// What will be written in the end: the adapter, or all weights, as 32-bit floats.
  private static func resultBytes(_ model: LanguageModel) -> Int {
    let shapes =
      model.adapter.map { model.configuration.adapterTensors($0).map(\.shape) }
      ?? model.configuration.tensors.map(\.shape)
    return shapes.reduce(0) { $0 + 4 * $1.reduce(1, *) }
  }
}
