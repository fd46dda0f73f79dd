import Pipeline

/// The stages of training, in the order of the reference page.
let trainingStages: [any StageDeclaration.Type] = [
  SupervisedTuning.self, ContinuedPretraining.self, PreferenceTuning.self, OddsRatioTuning.self, ContrastiveTuning.self,
  SimpleTuning.self, JudgedTuning.self, ClassifierTuning.self, RewardModelling.self, GroupTuning.self,
  LeaveOneOutTuning.self,
  ActorCriticTuning.self, TeacherTuning.self,
]

/// The name of a stage of the registry.
package struct StageName: FieldChoice, Hashable {
  package let rawValue: String

  package init?(rawValue: String) {
    guard trainingStages.contains(where: { $0.name == rawValue }) else { return nil }
    self.rawValue = rawValue
  }

  init(_ stage: any StageDeclaration.Type) { rawValue = stage.name }

  package static var allCases: [StageName] { trainingStages.map(StageName.init) }

  var declaration: any StageDeclaration.Type {
    trainingStages.first { $0.name == rawValue } ?? SupervisedTuning.self
  }
}
