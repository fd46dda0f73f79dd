import Datasets
import Pipeline

/// Whether tokens fit a model, as far as their facets tell before anything runs.
enum DataFit {
  /// What keeps the tokenizer at port `tokenizer` from being used with the model at port `model`.
  static func tokenizerConflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    guard let own = inputs["model"]?.type[FacetName.tokenizer],
      let given = inputs["tokenizer"]?.type[FacetName.tokenizer],
      own != given
    else { return [] }
    return [
      .init(
        port: "tokenizer", "The tokenizer is another than the model's",
        reason: "the model's is \(own), this is \(given)",
        advice: "load the tokenizer from the model's own folder")
    ]
  }

  /// What keeps the model at a port from being asked beside the model at port `model`.
  static func modelConflicts(_ port: String, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard let model = inputs["model"], let reference = inputs[port] else { return [] }
    func conflict(_ facet: String, _ summary: String, _ words: (Facet) -> String) -> Inference.Conflict? {
      guard let own = model.type[facet], let theirs = reference.type[facet], own != theirs else { return nil }
      return .init(
        port: port, summary,
        reason: "that of `\(reference.node)` is \(words(theirs)), that of `\(model.node)` is \(words(own))",
        advice: "compare the model with one that it descends from, or with itself")
    }
    let found =
      conflict(FacetName.vocabulary, "The \(port) has another vocabulary than the model") { "\($0) tokens" }
      ?? conflict(FacetName.tokenizer, "The \(port) has another tokenizer than the model") { "\($0)" }
    return found.map { [$0] } ?? []
  }

  /// What keeps the tokens at a port from being used with the model at port `model`.
  ///
  /// - Parameters:
  ///   - shapes: What rows may be there.
  ///   - hasStage: Whether the node has a field `stage` that other rows may suit.
  static func conflicts(
    _ inputs: InputTypes, data port: String, wants shapes: [RowShape], hasStage: Bool = false
  ) -> [Inference.Conflict] {
    guard let data = inputs[port]?.type else { return [] }
    var conflicts: [Inference.Conflict] = []
    if data[FacetName.share] == "none" {
      conflicts.append(
        .init(
          port: port, "No rows are held out", reason: "`validation` of the node that makes them is 0",
          advice: "set `validation:` there, such as 0.05"))
    }
    if let kind = data[FacetName.kind]?.text.flatMap(Record.Kind.init), let wanted = shapes.first,
      !shapes.contains(where: { $0.kinds.contains(kind) }),
      let found = RowShape.all.first(where: { $0.kinds.contains(kind) })
    {
      let takers = trainingStages.filter { $0.rows.kinds.contains(kind) }.map { "`stage: \($0.name)`" }
      conflicts.append(
        .init(
          port: port,
          "\(found.words.first?.uppercased() ?? "")\(found.words.dropFirst()) stand where \(wanted.words) are wanted",
          reason: found.kinds.count > 1 ? "the rows are of kind \(kind.rawValue)" : nil,
          advice: "connect tokens made from \(wanted.origin)"
            + (hasStage ? ", or say \(takers.joined(separator: ", "))" : "")))
    }
    guard let model = inputs["model"]?.type else { return conflicts }
    if let theirs = data[FacetName.tokenizer], let own = model[FacetName.tokenizer], theirs != own {
      conflicts.append(
        .init(
          port: port, "The tokens were made by another tokenizer than the model's",
          reason: "theirs is \(theirs), the model's is \(own)", advice: "load the tokenizer from the model's own folder"
        ))
    } else if let ids = data[FacetName.vocabulary]?.integer, let known = model[FacetName.vocabulary]?.integer,
      ids > known
    {
      conflicts.append(
        .init(
          port: port, "The tokenizer has more tokens than the model",
          reason: "the tokens come from a vocabulary of \(ids), the model has \(known)",
          advice: "load the tokenizer from the model's own folder"))
    }
    if let length = data[FacetName.length]?.integer, let most = model[FacetName.length]?.integer, length > most {
      conflicts.append(
        .init(
          port: port, "Rows may be longer than the model allows",
          reason: "`max_length` is \(length), the model was made for \(most) tokens",
          advice: "lower `max_length` to \(most)"))
    }
    return conflicts
  }
}
