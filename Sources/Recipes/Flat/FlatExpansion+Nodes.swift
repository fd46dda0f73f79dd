import Diagnostics
import Pipeline

/// The nodes of a recipe's pipeline.
extension FlatExpansion {
  /// Stages whose held-out rows are measured by what a model says of them, whatever it learned by.
  private static let plainlyMeasured: Set = ["sft", "pt"]

  func addPipeline(_ stage: LocatedValue, _ adapter: Adapter) {
    guard let model = required(.model, "it says which model is trained", "model: models/base.gguf") else { return }
    let place = lookedUp(model, "model", kind: "model").value
    var tokenizer = node("tokenizer", "load_tokenizer", at: model)
    if !isGiven("tokenizer", "from") { tokenizer.give("from", place, "model") }
    add(tokenizer)
    addModel("base_model", place, key: "model")
    let trainable = addAdapter(adapter)
    let tokens = addData(stage)
    let train = addTraining(stage, trainable, tokens)
    if let validation = tokens.validation { addEvaluation(stage, train, validation) }
    addResults(model, train)
  }

  private func required(_ word: FlatWord, _ reason: String, _ advice: String) -> LocatedValue? {
    if words[word] == nil {
      report(
        .missing(word.rawValue, reason: reason, advice: "`\(advice)`"),
        at: LocatedValue(.map([]), at: sketch.source.wholeMark), nil)
    }
    return text(word, example: String(advice.drop { $0 != " " }.dropFirst()))
  }

  private func node(_ name: String, _ type: String, at value: LocatedValue) -> Sketch.Node {
    Sketch.Node(name: name, type: type, mark: value.mark)
  }

  /// Adds a node with the fields that the recipe gives it.
  ///
  /// - Parameters:
  ///   - roles: Whose fields they are, where not those of its own name; later ones go before earlier.
  ///   - omitted: Fields that are another node's alone.
  private func add(_ node: Sketch.Node, as roles: [String]? = nil, without omitted: Set<String> = []) {
    var node = node
    for role in roles ?? [node.name] {
      for field in fields where field.target.role == role {
        let name = field.target.path.joined(separator: ".")
        if omitted.contains(field.target.path[0]) { continue }
        node.fields.removeAll { $0.name == name }
        let isPlain = [name, "\(role).\(name)", field.target.path.last].contains(field.key)
        node.fields.append(
          Sketch.Field(name: name, value: field.value, comment: isPlain ? nil : field.key, key: field.key))
      }
    }
    sketch.nodes.append(node)
  }

  // MARK: Models

  private func addModel(_ name: String, _ place: LocatedValue, key: String) {
    var load = node(name, "load_model", at: place)
    load.give("from", place, key)
    // A model beside the one that is trained computes as that one does.
    add(
      load, as: name == "base_model" ? nil : ["base_model"], without: name == "base_model" ? [] : ["weights", "from"])
  }

  private func addAdapter(_ adapter: Adapter) -> String {
    guard !adapter.isNone, let place = words[.model] else { return "base_model" }
    var attach = node("adapter", "attach_adapter", at: words[.adapter] ?? place)
    attach.connect("model", "base_model")
    switch adapter {
    case .fresh(let method?): attach.give("method", method, "adapter")
    case .folder(let folder): attach.give("from", folder, "adapter")
    case .fresh(nil), .none: break
    }
    add(attach)
    return attach.name
  }

  // MARK: Data

  /// The outputs of nodes that are learned from and measured on.
  private struct Tokens {
    var train: String?
    var validation: String?
  }

  private func addData(_ stage: LocatedValue) -> Tokens {
    guard let data = words[.data] else {
      _ = required(.data, "there is nothing to learn from", "data: rows.jsonl")
      return Tokens()
    }
    let rows = addRows(data, "data", prefix: "rows")
    guard !rows.isEmpty else { return Tokens() }
    var tokens = Tokens(train: "tokens.train")
    let validation = words[.validation]
    let share = validation.flatMap { try? $0.number(path: "validation") }
    var tokenize = addRendered(rows, at: data, prefix: "", stage)
    if let validation, share != nil {
      tokenize.fields.append(Sketch.Field(name: "validation", value: validation, key: "validation"))
      tokens.validation = "tokens.validation"
    }
    add(tokenize)
    if let validation, share == nil {
      let held = addRows(validation, "validation", prefix: "held_rows")
      guard !held.isEmpty else { return tokens }
      add(addRendered(held, at: validation, prefix: "held_", stage), as: ["tokens"], without: ["validation"])
      tokens.validation = "held_tokens.train"
    }
    return tokens
  }

  /// The nodes that read files.
  private func addRows(_ value: LocatedValue, _ key: String, prefix: String) -> [String] {
    let items = if case .list(let items) = value.content { items } else { [value] }
    let paths = items.flatMap { item -> [LocatedValue] in
      guard item.scalarText != nil else {
        report(.wantsText(key, found: item.kindWords, example: "rows.jsonl"), at: item, key)
        return []
      }
      return files(of: item)
    }
    var names: [String] = []
    for (index, path) in paths.enumerated() {
      let name = paths.count == 1 ? prefix : "\(prefix)_\(index + 1)"
      var load = node(name, "load_dataset", at: path)
      load.give("from", path, key)
      add(load, as: name == "rows" ? nil : ["rows", name])
      names.append(name)
    }
    return names
  }

  /// Adds what renders rows; gives what makes tokens of them.
  private func addRendered(
    _ rows: [String], at value: LocatedValue, prefix: String, _ stage: LocatedValue
  ) -> Sketch.Node {
    var render = node("\(prefix)rendered", "apply_template", at: value)
    let names = rows.map { LocatedValue(scalar: $0, at: value.mark) }
    render.set("dataset", names.count == 1 ? names[0] : LocatedValue(.list(names), at: value.mark))
    render.connect("tokenizer", "tokenizer")
    add(render, as: ["rendered"])
    var tokenize = node("\(prefix)tokens", "tokenize", at: value)
    tokenize.connect("conversations", render.name)
    tokenize.connect("tokenizer", "tokenizer")
    // Plain texts fill rows, so that nothing of them is lost, unless the recipe says otherwise.
    if stage.text == "pt", !["fill_rows", "packing", "overlong"].contains(where: { isGiven("tokens", $0) }) {
      tokenize.set("fill_rows", stage.with(text: "true"), "recipe: pt")
    }
    return tokenize
  }

  // MARK: Training

  private func addTraining(_ stage: LocatedValue, _ model: String, _ tokens: Tokens) -> Sketch.Node {
    for port in keys.ports {
      guard let value = ports[port.name], let text = value.scalarText else { continue }
      if sketch.nodes.contains(where: { $0.name == text }) { continue }
      let place = lookedUp(value, port.name, kind: port.types.contains("tokenizer") ? "tokenizer" : "model").value
      if port.types.contains("tokenizer") {
        var load = node(port.name, "load_tokenizer", at: value)
        load.give("from", place, port.name)
        sketch.nodes.append(load)
      } else {
        addModel(port.name, place, key: port.name)
      }
    }
    var train = node("train", "train", at: stage)
    train.give("stage", stage, "recipe")
    train.connect("model", model)
    train.connect("data", tokens.train ?? "")
    if tokens.train == nil { train.fields[train.fields.count - 1].value.isBroken = true }
    let evaluates = ["evaluate_every", "evaluate_first", "early_stopping", "keep"].contains { isGiven("train", $0) }
    if let validation = tokens.validation, evaluates { train.connect("validation", validation) }
    connectPorts(&train, to: "train")
    add(train)
    sketch.outputs.append("train.metrics")
    return train
  }

  /// Connects what the stage wants beside model and data: what the recipe names, and the tokenizer where it is needed.
  private func connectPorts(_ node: inout Sketch.Node, to role: String) {
    guard let type = registry[node.type], let flatRole = keys.role(role) else { return }
    for port in type.inputs where !node.fields.contains(where: { $0.name == port.name }) {
      let isApplicable = keys.holds(port.condition, flatRole)
      // What a stage has no use for is told by the node, at the key.
      if let value = ports[port.name], role == "train" || isApplicable {
        let name = value.scalarText.flatMap { text in sketch.nodes.contains { $0.name == text } ? text : nil }
        var field = Sketch.Field(name: port.name, value: value.with(text: name ?? port.name))
        field.key = port.name
        node.fields.append(field)
      } else if port.name == "tokenizer", isApplicable,
        !port.isOptional || (role == "train" && isGiven("train", "samples"))
      {
        node.connect("tokenizer", "tokenizer")
      }
    }
  }

  private func addEvaluation(_ stage: LocatedValue, _ train: Sketch.Node, _ validation: String) {
    guard let place = words[.validation], let type = registry["evaluate"], let role = keys.role("evaluate") else {
      return
    }
    var evaluate = node("evaluate", "evaluate", at: place)
    evaluate.connect("model", "train")
    evaluate.connect("data", validation)
    evaluate.give("stage", stage, "recipe")
    if !Self.plainlyMeasured.contains(stage.text) {
      for field in fields where field.target.role == "train" {
        let isOne = type.fields.contains { $0.name == field.target.path[0] && keys.holds($0.condition, role) }
        guard isOne, !field.isShared else { continue }
        let name = field.target.path.joined(separator: ".")
        evaluate.fields.append(
          Sketch.Field(name: name, value: field.value, comment: "as of train", key: field.key))
      }
      connectPorts(&evaluate, to: "evaluate")
      let wants = type.inputs.contains { $0.name == "reference" && keys.holds($0.condition, role) }
      // What a training begins with is what its preferences are measured against.
      if wants, !evaluate.fields.contains(where: { $0.name == "reference" }),
        let start = train.fields.first(where: { $0.name == "model" })?.value.scalarText
      {
        evaluate.connect("reference", start)
      }
    }
    add(evaluate)
    sketch.outputs.append("evaluate")
  }

  // MARK: Results

  private func addResults(_ model: LocatedValue, _ train: Sketch.Node) {
    if fields.contains(where: { $0.target.role == "answers" && !$0.isShared }) {
      var answers = node("answers", "predict", at: words[.recipe] ?? model)
      answers.connect("model", "train")
      answers.connect("tokenizer", "tokenizer")
      add(answers)
      sketch.outputs.append("answers")
    }
    var trained = "train"
    if let merge = words[.merge] {
      do {
        if try merge.bool(path: "merge") {
          var merged = node("merged", "merge", at: merge)
          merged.connect("model", trained)
          add(merged)
          trained = "merged"
        }
      } catch { problems += diagnostics(of: error) }
    }
    var release = node("release", "export", at: words[.out] ?? model)
    release.connect("model", trained)
    release.connect("tokenizer", "tokenizer")
    release.give("base_model", model, "model")
    if let out = text(.out, example: "adapters/mine") { release.give("to", out, "out") }
    add(release)
    sketch.outputs.append("release")
  }
}

extension Sketch.Node {
  /// Sets a field to what a key says.
  fileprivate mutating func give(_ field: String, _ value: LocatedValue, _ key: String) {
    fields.append(Sketch.Field(name: field, value: value, comment: key, key: key))
  }
}
