import Datasets
import Diagnostics
import Pipeline

/// Datasets, chat templates and tokens.
extension AxolotlExpansion {
  /// What is learned from or measured on: the outputs of nodes.
  struct Tokens {
    var train: String?
    var validation: String?
    /// How many rows are learned from, where that decides something.
    var rows: Int?
  }

  /// Sets of rows that were read.
  private struct Sets {
    var nodes: [String] = []
    var files: [String] = []
    var learnsAll = false
    var template: LocatedValue?
    var fills = false
  }

  /// Adds what leads from files to tokens.
  func addData() -> Tokens {
    let key = arguments.isGiven("pretraining_dataset") ? "pretraining_dataset" : "datasets"
    guard arguments.isGiven(key) else {
      report(
        .missing(key, reason: "there is nothing to learn from", advice: "`datasets: [{path: rows.jsonl, type: …}]`"),
        at: arguments.located(key), nil)
      return Tokens()
    }
    let sets = addSets(key, prefix: "rows")
    guard !sets.nodes.isEmpty else { return Tokens() }
    var tokens = Tokens(train: "tokens.train")
    let share = validationShare(sets)
    addTokens("tokens", sets, at: key, share: share)
    if share != nil { tokens.validation = "tokens.validation" }
    if arguments.isGiven("evals_per_epoch"), let count = rowCount(of: sets.files) {
      let held = share.flatMap { try? $0.number(path: "val_set_size") } ?? 0
      tokens.rows = Int((Double(count) * max(0, 1 - held)).rounded())
    }
    guard arguments.isGiven("test_datasets") else { return tokens }
    if share != nil { refuse("val_set_size", with: "test_datasets", "rows are held out, or lie in a set of their own") }
    let held = addSets("test_datasets", prefix: "held_out")
    if !held.nodes.isEmpty {
      addTokens("held_out_tokens", held, at: "test_datasets", share: nil)
      tokens.validation = "held_out_tokens.train"
    }
    return tokens
  }

  // MARK: Rows

  private func addSets(_ key: String, prefix: String) -> Sets {
    let value = arguments.located(key)
    // A name alone is a set whose rows are texts.
    let items =
      switch value.content {
      case .list(let items): items
      case .map, .scalar: [value]
      }
    var sets = Sets()
    for (index, item) in items.enumerated() {
      var item = item
      if let text = item.scalarText, key == "pretraining_dataset" {
        item = LocatedValue(
          .map([LocatedValue.Pair(key: LocatedValue.Key(text: "path", mark: item.mark), value: item.with(text: text))]),
          at: item.mark)
      }
      let path = "\(key)[\(index)]"
      guard let set = dataset(item, at: path) else { continue }
      sets.learnsAll = sets.learnsAll || set.learnsAll
      sets.template = sets.template ?? set.template
      sets.fills = sets.fills || set.rows.format == .text
      for file in files(of: set.arguments) {
        let stem = Self.nodeName(Sketch.stem(of: file.writtenText))
        guard
          var load = loadNode(
            "\(prefix)_\(stem)", file, set.rows, origin: "\(path): path", comment: "\(path): \(set.comment)")
        else { continue }
        if let rows = firstRows(set.arguments) { load.set("max_rows", rows, "\(path): split") }
        sketch.nodes.append(load)
        sets.nodes.append(load.name)
        sets.files.append(file.writtenText)
      }
    }
    return sets
  }

  /// The files of a dataset; hubs are refused.
  private func files(of own: Arguments) -> [LocatedValue] {
    if own.isGiven("ds_type"), let type = own.text("ds_type"), !["json", "text", "jsonl"].contains(type) {
      report(
        .refused(
          "ds_type", type, reason: "rows are read from JSON and text",
          advice:
            "bring them to JSON once: `python -c \"import datasets; datasets.load_dataset('\(type)', data_files='FILE')['train'].to_json('rows.jsonl')\"`"
        ), at: own.located("ds_type"), own.prefix + "ds_type")
    }
    let named = own.names("data_files")
    guard own.isGiven("path"), let path = own.text("path") else {
      if named.isEmpty {
        report(
          .missing(own.prefix + "path", reason: "it says where the rows lie", advice: "`path: rows.jsonl`"),
          at: own.file.tree, nil)
      }
      return named
    }
    let kind = (try? pathKind(path)) ?? nil
    if named.isEmpty {
      if kind == nil, HubCache.isName(path) {
        report(.remoteRows(path), at: own.located("path"), own.prefix + "path")
        return []
      }
      return files(of: own.located("path"))
    }
    return named.map { file in
      let text = file.writtenText
      guard kind == .folder, !text.hasPrefix("/"), ((try? pathKind(text)) ?? nil) == nil else { return file }
      return file.with(text: path.hasSuffix("/") ? path + text : "\(path)/\(text)")
    }
  }

  /// How many rows `split` takes; nil for all.
  private func firstRows(_ own: Arguments) -> LocatedValue? {
    guard own.isGiven("split"), let split = own.text("split"), split != "train" else { return nil }
    let value = own.located("split")
    if split.hasPrefix("train[:"), split.hasSuffix("]"), let count = Int(split.dropFirst(7).dropLast()) {
      return value.with(text: "\(count)")
    }
    report(
      .refused(
        "split", split, reason: "a file has one part, `train`, of which all rows are read or the first",
        advice: "`train[:1000]`, or write the part to a file of its own"), at: value, own.prefix + "split")
    return nil
  }

  /// The share of rows that are held out; nil when none are.
  private func validationShare(_ sets: Sets) -> LocatedValue? {
    guard arguments.isGiven("val_set_size"), let size = arguments.number("val_set_size"), size > 0 else { return nil }
    let value = arguments.located("val_set_size")
    guard size > 1 else { return value }
    guard let (share, rows) = share(of: size, files: sets.files) else { return broken(value.with(text: "0.1")) }
    arguments.note("val_set_size", "\(value.writtenText) of \(rows) rows, as a share of them; met on average")
    return value.with(text: "\(share)")
  }

  // MARK: Tokens

  private func addTokens(_ name: String, _ sets: Sets, at key: String, share: LocatedValue?) {
    var (render, tokenize) = tokenNodes(name, sets.nodes, at: key)
    if !sets.fills {
      setTemplate(&render, sets)
      if arguments.isGiven("default_system_message") {
        render.set("system", from: "default_system_message", of: arguments)
      }
      if stage == "sft", arguments.bool("train_on_inputs") {
        render.set("learn", text: "everything", at: arguments.located("train_on_inputs"), "train_on_inputs")
      } else if sets.learnsAll {
        render.set("learn", text: "everything", at: arguments.located(key), "roles_to_train")
      }
    }
    sketch.nodes.append(render)
    let isHeld = key == "test_datasets"
    let length = isHeld && arguments.isGiven("eval_sequence_len") ? "eval_sequence_len" : "sequence_len"
    tokenize.set("max_length", from: length, of: arguments)
    if sets.fills {
      tokenize.set(
        "fill_rows", text: "true", at: arguments.located(key),
        "texts are cut at sequence_len and lose nothing, as there")
    } else {
      setOverlong(&tokenize)
      if stage == "sft", arguments.bool("sample_packing"), !isHeld {
        tokenize.set("packing", from: "sample_packing", of: arguments)
      }
    }
    if let share {
      tokenize.set("validation", share, "val_set_size: which rows are held out follows from each row alone")
    }
    sketch.nodes.append(tokenize)
  }

  private func setOverlong(_ tokenize: inout Sketch.Node) {
    let names = ["drop": "drop", "truncate": "truncate", "raise": "error"]
    let given = arguments.isGiven("excess_length_strategy") ? arguments.text("excess_length_strategy") : nil
    tokenize.set(
      "overlong", text: given.flatMap { names[$0] } ?? "drop", at: arguments.located("excess_length_strategy"),
      given == nil
        ? "excess_length_strategy, Axolotl's default"
        : "excess_length_strategy" + (given == "truncate" ? ": turn by turn" : ""))
  }

  // MARK: Templates

  /// Names of templates that are no model's own.
  private static let foreign: Set = ["alpaca", "metharme", "chatml", "jamba"]

  private func setTemplate(_ render: inout Sketch.Node, _ sets: Sets) {
    if let file = sets.template ?? templateFile(arguments) {
      return render.set("template", file, "chat_template_jinja")
    }
    let value = arguments.located("chat_template")
    let name = arguments.isGiven("chat_template") ? arguments.text("chat_template") ?? "" : "tokenizer_default"
    if Self.foreign.contains(name) {
      report(
        .otherwise(
          "`chat_template: \(name)` is Axolotl's layout, and the model's own chat template is taken here",
          reason: "what the model was made with and what it is asked by later is its own",
          advice: "`tokenizer_default`, or a Jinja file: `chat_template: jinja` and `chat_template_jinja: FILE`"),
        at: value, "chat_template")
    }
    render.set(
      "template", text: "auto", at: value,
      name == "tokenizer_default" ? "the model's own" : "chat_template: \(name), as the model's own has it")
  }

  /// The Jinja file that keys name; nil where there is none.
  func templateFile(_ own: Arguments) -> LocatedValue? {
    guard own.isGiven("chat_template_jinja") else { return nil }
    let value = own.located("chat_template_jinja")
    guard let text = value.scalarText, !text.contains("{%"), !text.contains("{{") else {
      report(
        .refused(
          "chat_template_jinja", "…", reason: "a template is a file here",
          advice: "write it to a file and name that: `chat_template_jinja: mine.jinja`"), at: value,
        own.prefix + "chat_template_jinja")
      return nil
    }
    return value
  }
}
