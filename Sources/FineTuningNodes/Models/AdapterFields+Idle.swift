import Diagnostics
import LanguageModels
import Pipeline

/// Fields of a fresh adapter that name nothing, and so would change nothing.
extension AdapterFields {
  /// - Parameters:
  ///   - adapter: What the fields describe; it fits the model.
  ///   - model: What it is for.
  func idle(_ adapter: AdapterConfiguration, of model: ModelConfiguration) -> [Inference.Conflict] {
    guard type(of: adapter.method).standsBesideMaps else { return [] }
    let maps = model.adaptedMaps(adapter).map(\.module)
    var everything = adapter
    everything.selection.excluded = nil
    let targets = model.adaptedMaps(everything)
    var conflicts: [Inference.Conflict] = []
    for name in exclude where !targets.contains(where: { ModuleNames.list([name]).contains($0.module) }) {
      conflicts.append(
        .init(
          port: "exclude", "`exclude` leaves nothing out by `\(name)`: no target is named so",
          advice: nearest(name, targets)))
    }
    for (field, entries) in [("rank_pattern", rankPattern), ("alpha_pattern", alphaPattern)] {
      for entry in entries {
        guard let last = entry.lastIndex(of: "=") else { continue }
        let pattern = String(entry[..<last])
        guard maps.allSatisfy({ [ModulePattern(pattern, 0)].value(for: $0) == nil }) else { continue }
        conflicts.append(
          .init(
            port: field, "`\(field)` says `\(entry)`, and the name of no adapted map ends so",
            advice: nearest(pattern, model.adaptedMaps(adapter))))
      }
    }
    for name in feedForward ?? [] where !maps.contains(where: ModuleNames.list([name]).contains) {
      conflicts.append(
        .init(
          port: "feedforward", "`feedforward` names `\(name)`, which is not among the adapted maps",
          advice: nearest(name, model.adaptedMaps(adapter))))
    }
    if adapter.base.biases != .none {
      var others = adapter
      others.base = BaseTraining(biases: adapter.base.biases)
      if model.trainedTensors(others).isEmpty {
        conflicts.append(
          .init(
            port: "train_biases", "There are no biases to train",
            reason: biases == .adapted ? "the adapted maps have none" : "the model has none", advice: "leave it out"))
      }
    }
    return conflicts
  }

  private func nearest(_ name: String, _ maps: [AdaptedMap]) -> String? {
    nearestName(to: name, among: Set(maps.map(\.shortName)).sorted()).map { "did you mean `\($0)`?" }
  }
}
