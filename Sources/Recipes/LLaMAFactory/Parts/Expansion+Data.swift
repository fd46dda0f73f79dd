import Datasets
import Diagnostics
import Pipeline

/// Datasets, chat templates and tokens.
extension Expansion {
  /// What is learned from or measured on: the outputs of nodes.
  struct Tokens {
    var train: String?
    var validation: String?
    /// Tokens of each set by itself, where they are measured apart.
    var apart: [(name: String, tokens: String)] = []
  }

  private var use: DatasetEntry.Use {
    switch stage {
    case .pt: .texts
    case .sft, .ppo: .conversations
    case .rm, .dpo, .orpo, .simpo: .pairs
    case .kto: .judged
    }
  }

  /// Adds what leads from files to tokens.
  ///
  /// - Parameter trains: Whether rows are learned from, and not only measured on.
  func addData(trains: Bool) -> Tokens {
    var tokens = Tokens()
    var share: LocatedValue?
    if trains || holdsOut {
      guard arguments.isGiven("dataset") else {
        if trains {
          report(
            .missing("dataset", reason: "there is nothing to learn from", advice: "`dataset: NAME`"),
            at: arguments.located("dataset"), nil)
        }
        return tokens
      }
      let rows = mixed(addRows("dataset", prefix: "rows"))
      share = validationShare(of: rows)
      if !rows.isEmpty {
        addTokens("tokens", rows, at: "dataset", share: share, packs: trains)
        tokens.train = "tokens.train"
        if share != nil { tokens.validation = "tokens.validation" }
      }
    }
    guard arguments.isGiven("eval_dataset") else { return tokens }
    if share != nil {
      report(
        .together("val_size", "eval_dataset", reason: "rows are held out, or lie in a set of their own"),
        at: arguments.located("val_size"), "val_size")
    }
    let rows = addRows("eval_dataset", prefix: "held_out")
    if !rows.isEmpty {
      addTokens("held_out_tokens", rows.map(\.node), at: "eval_dataset", share: nil, packs: false)
      tokens.validation = "held_out_tokens.train"
    }
    if arguments.bool("eval_on_each_dataset"), rows.count > 1 {
      for row in rows {
        addTokens("\(row.node)_tokens", [row.node], at: "eval_on_each_dataset", share: nil, packs: false)
        tokens.apart.append((row.name, "\(row.node)_tokens.train"))
      }
    }
    return tokens
  }

  // MARK: Rows

  /// The nodes that read the datasets of a key.
  private func addRows(_ key: String, prefix: String) -> [(name: String, node: String)] {
    guard let registry = registry() else { return [] }
    var rows: [(name: String, node: String)] = []
    var known: Set<String> = []
    for value in arguments.names(key) {
      guard let name = value.scalarText else { continue }
      if !known.insert(name).inserted {
        arguments.note(key, "`\(name)` is named twice and used once, as in LLaMA-Factory")
        continue
      }
      guard let entry = registry.entry(name) else {
        report(.unknownDataset(name, among: registry.names, file: registry.path), at: value, key)
        continue
      }
      rows += addRows(DatasetEntry(name, entry, of: registry), at: value, key, prefix: prefix)
    }
    return rows
  }

  private func addRows(
    _ entry: DatasetEntry, at value: LocatedValue, _ key: String, prefix: String
  ) -> [(name: String, node: String)] {
    var entry = entry
    guard entry.problems.allSatisfy({ $0.severity == .warning }), let file = entry.file else {
      problems += entry.problems
      return []
    }
    var rows: [(name: String, node: String)] = []
    let files = files(of: file)
    for (index, file) in files.enumerated() {
      guard let path = file.scalarText,
        let reading = entry.reading(for: use, stage: arguments.text("stage") ?? "", file: path)
      else { break }
      let suffix = files.count > 1 ? "_\(index + 1)" : ""
      var load = Sketch.Node(
        name: free("\(prefix)_\(Self.nodeName(entry.name))\(suffix)"), type: "load_dataset", mark: value.mark)
      load.set("from", file, "dataset `\(entry.name)`: file_name")
      load.set("format", text: reading.format.rawValue, at: entry.place, reading.comment)
      for column in reading.columns {
        load.set("columns.\(column.name.rawValue)", column.value, "columns")
      }
      if !reading.ignored.isEmpty {
        load.set(
          "ignore_columns", entry.place.with(list: reading.ignored.map { entry.place.with(text: $0) }),
          "LLaMA-Factory passes over them")
      }
      if arguments.isGiven("max_samples") { load.set("max_rows", from: "max_samples", of: arguments) }
      sketch.nodes.append(load)
      rows.append((entry.name, load.name))
    }
    // A folder of several files says the same of each.
    var said: Set<Diagnostic> = Set(problems)
    problems += entry.problems.filter { said.insert($0).inserted }
    return sampled(entry, rows)
  }

  private func registry() -> DatasetRegistry? {
    let value = arguments.located("dataset_dir")
    guard let folder = arguments.text("dataset_dir") else { return nil }
    if folder == "ONLINE" || folder.hasPrefix("REMOTE:") {
      report(.onlineDatasets(folder), at: value, "dataset_dir")
      return nil
    }
    do {
      if let registry = try DatasetRegistry(folder: folder) { return registry }
      report(.noRegistry(folder: folder), at: value, "dataset_dir")
    } catch {
      problems += diagnostics(of: error)
    }
    return nil
  }

  // MARK: Tokens

  private func addTokens(_ name: String, _ rows: [String], at key: String, share: LocatedValue?, packs: Bool) {
    var (render, tokenize) = tokenNodes(name, rows, at: key)
    if stage != .pt, arguments.isGiven("template") { render.mark = arguments.located("template").mark }
    if stage != .pt {
      setTemplate(&render)
      setLearned(&render)
    }
    sketch.nodes.append(render)
    setLength(&tokenize, packs: packs)
    if let share {
      tokenize.set("validation", share, "val_size: which rows are held out follows from each row alone")
    }
    sketch.nodes.append(tokenize)
  }

  private func setTemplate(_ render: inout Sketch.Node) {
    let value = arguments.located("template")
    guard arguments.isGiven("template"), let name = arguments.text("template") else {
      return render.set("template", text: "auto", at: value, "no template is named: the model's own")
    }
    if isTemplateFile(name) { return render.set("template", value, "template") }
    render.set("template", text: "auto", at: value, "template: \(name), as the model's own chat template has it")
  }

  private func setLearned(_ render: inout Sketch.Node) {
    if arguments.isGiven("default_system") { render.set("system", from: "default_system", of: arguments) }
    let keys = [("train_on_prompt", "everything"), ("mask_history", "last_answer")].filter { arguments.bool($0.0) }
    for (key, value) in keys {
      if stage != .sft {
        refuse(key, "it is for `stage: sft`, as in LLaMA-Factory: of other rows the answer alone counts")
      } else if value == keys[0].1 {
        render.set("learn", text: value, at: arguments.located(key), key)
      } else {
        report(
          .together(keys[0].0, key, reason: "one lets everything be learned, the other the last answer"),
          at: arguments.located(key), key)
      }
    }
  }

  private func isTemplateFile(_ name: String) -> Bool { name.hasSuffix(".jinja") || name.contains("/") }

  /// The Jinja file that `template` names; nil where it means a model's own.
  var templateFile: String? {
    guard arguments.isGiven("template"), let name = arguments.text("template"), isTemplateFile(name) else { return nil }
    return name
  }

  /// Reports a template that asks for something else than the model's own.
  func checkTemplate() {
    guard arguments.isGiven("template"), let name = arguments.text("template"), !isTemplateFile(name) else { return }
    if TemplateNames.multimodal.contains(name) {
      refuse(
        "template", "it is for models that see or hear, and models see text alone here",
        try: "a model of texts, such as the language model of the same family")
    } else if TemplateNames.foreign.contains(name) {
      refuse(
        "template", "it is no model's own, and prompts are laid out by the model's own chat template or a Jinja file",
        try: "leave it out, or write the layout as a Jinja file: `template: \(name).jinja`")
    } else if !TemplateNames.all.contains(name) {
      report(.unknownTemplate(name), at: arguments.located("template"), "template")
    } else if TemplateNames.reasoning.contains(name), !arguments.bool("enable_thinking") {
      refuse(
        "enable_thinking", "what stands before an answer without a thought is the model's own chat template's to say")
    }
  }

  private func setLength(_ tokenize: inout Sketch.Node, packs: Bool) {
    let asked = arguments.isGiven("packing") ? arguments.bool("packing") : nil
    let neat = arguments.bool("neat_packing")
    let key = neat ? "neat_packing" : "packing"
    // Each of the two takes one from `cutoff_len`, whatever the stage.
    let isShorter = neat || asked == true
    if isShorter, let length = arguments.integer("cutoff_len") {
      tokenize.set(
        "max_length", text: "\(length - 1)", at: arguments.located("cutoff_len"), "cutoff_len less 1, as with \(key)")
    } else {
      tokenize.set("max_length", from: "cutoff_len", of: arguments)
    }
    let fills = packs && stage == .pt && asked != false
    if fills {
      return tokenize.set(
        "fill_rows", text: "true", at: arguments.located("packing"),
        asked == nil ? "packing, which `stage: pt` has unless told otherwise" : "packing")
    }
    tokenize.set(
      "overlong", text: "truncate", at: arguments.located("cutoff_len"), "as LLaMA-Factory cuts: turn by turn")
    guard packs, isShorter else { return }
    if stage == .pt || stage == .sft {
      tokenize.set(
        "packing", text: "true", at: arguments.located(key), "\(key): samples in a row do not see each other")
    } else {
      arguments.note(key, "pairs and judged answers stay rows of their own")
    }
  }

  private var holdsOut: Bool { arguments.isGiven("val_size") && (arguments.number("val_size") ?? 0) > 0 }

  /// The share of rows that are held out; nil when none are.
  private func validationShare(of rows: [String]) -> LocatedValue? {
    guard holdsOut, let size = arguments.number("val_size") else { return nil }
    let value = arguments.located("val_size")
    guard size > 1 else { return value }
    let count = rows.reduce(0) { $0 + (rowCount(of: $1) ?? 0) }
    guard count > 0 else { return broken(value.with(text: "0.1")) }
    arguments.note("val_size", "\(value.writtenText) of \(count) rows, as a share of them; met on average")
    return value.with(text: "\(size / Double(count))")
  }
}
