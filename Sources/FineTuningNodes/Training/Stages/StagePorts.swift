import Pipeline

/// The input ports of models that stages ask, each once, with the stages that ask it; by itself where a stage asks it with
/// some of its fields alone.
///
/// - Parameters:
///   - others: Values of the field `stage` beside names of stages for which the port of the reference is there.
///   - learns: Whether a model learns by the stage, or is measured.
func stagePorts(others: [String] = [], learns: Bool = true) -> [InputPort] {
  var ports: [(model: StageModel, stages: [String])] = []
  for stage in trainingStages {
    for model in stage.models where learns || !stage.learningPorts.contains(model.port) {
      if model.condition == nil,
        let known = ports.firstIndex(where: { $0.model.port == model.port && $0.model.condition == nil })
      {
        ports[known].stages.append(stage.name)
        ports[known].model.isScored = ports[known].model.isScored || model.isScored
      } else {
        ports.append((model, [stage.name]))
      }
    }
  }
  return ports.map { model, stages in
    let whenAsked = model.condition.map { FieldCondition.when("stage", stages).and($0) }
    let always = FieldCondition.when("stage", (model.port == StageModel.reference.port ? others : []) + stages)
    return InputPort(
      model.port, [model.type] + (model.isScored ? [ArtefactName.scores] : []), optional: model.isOptional,
      for: whenAsked ?? always, doc: model.doc)
  }
}

extension FieldSet {
  /// The fields of all stages as fields of this set, each where its stage is chosen.
  ///
  /// - Parameter learns: Whether a model learns by the stage, or is measured.
  static func stageFields(
    learns: Bool = true, get: @escaping @Sendable (Self) -> StageFields,
    set: @escaping @Sendable (inout Self, StageFields) -> Void
  ) -> [Field<Self>] {
    func lifted<Declaration: StageDeclaration>(_ stage: Declaration.Type) -> [Field<Self>] {
      let own = Declaration.Fields.fields.filter { learns || !stage.learningFields.contains($0.name) }
      return own.lifted(
        get: { get($0)[stage] },
        set: { fields, own in
          var all = get(fields)
          all[stage] = own
          set(&fields, all)
        }, for: .when("stage", [stage.name]))
    }
    return trainingStages.flatMap { lifted($0) }
  }
}

/// The fields of every stage's own, by its name.
struct StageFields: Sendable {
  private var own: [String: any FieldSet] = [:]

  subscript<Declaration: StageDeclaration>(_ stage: Declaration.Type) -> Declaration.Fields {
    get { own[stage.name] as? Declaration.Fields ?? Declaration.Fields() }
    set { own[stage.name] = newValue }
  }
}
