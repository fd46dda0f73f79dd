import Datasets
import Diagnostics
import Pipeline

/// Datasets and tokens.
extension TorchtuneExpansion {
  /// What is learned from or measured on: the outputs of nodes.
  struct Tokens {
    var train: String?
    var validation: String?
  }

  /// A set of rows as its keys describe it.
  private struct RowSet {
    var own: Arguments
    var kind: TorchtuneDatasets
    var files: [LocatedValue]
  }

  /// Adds what leads from files to tokens.
  func addData() -> Tokens {
    guard arguments.isGiven("dataset") else {
      report(
        .missing("dataset", reason: "there is nothing to learn from", advice: "`dataset: {_component_: …, source: …}`"),
        at: arguments.located("dataset"), nil)
      return Tokens()
    }
    let sets = sets("dataset")
    guard !sets.isEmpty else { return Tokens() }
    var tokens = Tokens(train: "tokens.train")
    let held = arguments.isGiven("dataset_val") ? self.sets("dataset_val") : []
    let share = sharedEnd(sets, held)
    addTokens("tokens", sets, "dataset", prefix: "rows", share: share)
    if share != nil {
      tokens.validation = "tokens.validation"
    } else if !held.isEmpty {
      addTokens("held_out_tokens", held, "dataset_val", prefix: "held_out", share: nil)
      tokens.validation = "held_out_tokens.train"
    }
    return tokens
  }

  /// The share of one set's rows that `dataset_val` takes from its end, where that is what the two say.
  private func sharedEnd(_ sets: [RowSet], _ held: [RowSet]) -> LocatedValue? {
    guard sets.count == 1, held.count == 1, sets[0].files.map(\.writtenText) == held[0].files.map(\.writtenText),
      let first = sets[0].own.text("split"), let last = held[0].own.text("split"), first.hasPrefix("train[:"),
      first.hasSuffix("%]"), let percent = Double(first.dropFirst(7).dropLast(2)), last.hasPrefix("train["),
      last.hasSuffix("%:]"), Double(last.dropFirst(6).dropLast(3)) == percent, (0..<100).contains(percent)
    else { return nil }
    return held[0].own.located("split").with(text: "\((100 - percent) / 100)")
  }

  // MARK: Sets

  private func sets(_ key: String) -> [RowSet] {
    let value = arguments.located(key)
    let items = if case .list(let items) = value.content { items } else { [value] }
    return items.enumerated().compactMap { index, item in
      set(item, at: items.count == 1 ? key : "\(key)[\(index)]")
    }
  }

  private func set(_ item: LocatedValue, at path: String) -> RowSet? {
    guard case .map = item.content else {
      report(
        .refused(path, item.writtenText, reason: "a dataset is a map", advice: "`{_component_: …, source: FILE}`"),
        at: item, path)
      return nil
    }
    let own = Arguments(YAMLText(item, of: arguments.file.source), .torchtuneDataset, prefix: path + ".")
    inner.append(own)
    let component = own.located("_component_")
    let name = component.scalarText?.split(separator: ".").last.map(String.init) ?? ""
    guard own.isGiven("_component_"), var kind = TorchtuneDatasets.byName[name] else {
      let names = TorchtuneDatasets.byName.keys.sorted()
      report(
        .refused(
          path + "._component_", name, reason: "rows are read that \(ProblemWords.list(names)) read",
          advice: nearestName(to: name, among: names).map { "`torchtune.datasets.\($0)`" }
            ?? "bring the rows to messages, and `torchtune.datasets.chat_dataset`"), at: component,
        path + "._component_")
      return nil
    }
    rename(&kind, own)
    let files = files(of: own, kind)
    guard !files.isEmpty else { return nil }
    if let text = kind.text {
      report(
        .otherwise(
          "`\(name)` lays prompts out by \(text), and the model's own chat template is taken here",
          reason: "a model is asked by its chat template, and learns best what it will be asked by", advice: nil),
        at: component, path + "._component_")
    }
    return RowSet(own: own, kind: kind, files: files)
  }

  private func rename(_ kind: inout TorchtuneDatasets, _ own: Arguments) {
    func rename(_ column: Column, _ value: LocatedValue) {
      guard let index = kind.rows.reads.firstIndex(where: { $0.column == column }) else { return }
      kind.rows.reads[index] = kind.rows.reads[index].named(value)
    }
    if own.isGiven("column_map") {
      for pair in own.located("column_map").pairs {
        guard let column = kind.mapped[pair.key.text] else {
          report(
            .unknownChoice(pair.key.text, among: kind.mapped.keys.sorted()), at: pair.value,
            own.prefix + "column_map.\(pair.key.text)")
          continue
        }
        rename(column, pair.value)
      }
    }
    if own.isGiven("column") { rename(.text, own.located("column")) }
    if own.isGiven("conversation_column") { rename(.messages, own.located("conversation_column")) }
    guard own.isGiven("conversation_style"), let style = own.text("conversation_style") else { return }
    switch style {
    case "sharegpt": kind.rows.format = .sharegpt
    case "openai": kind.rows.format = .messages
    default:
      report(
        .unknownChoice(style, among: ["sharegpt", "openai"]), at: own.located("conversation_style"),
        own.prefix + "conversation_style")
    }
  }

  private func files(of own: Arguments, _ kind: TorchtuneDatasets) -> [LocatedValue] {
    let source = own.isGiven("source") ? own.text("source") ?? "" : kind.source ?? ""
    let place = own.isGiven("source") ? own.located("source") : own.located("_component_")
    let named = own.names("data_files")
    if ["json", "text"].contains(source) || (source.isEmpty && !named.isEmpty) {
      if named.isEmpty {
        report(
          .missing(own.prefix + "data_files", reason: "it says where the rows lie", advice: "`data_files: rows.jsonl`"),
          at: place, nil)
      }
      return named
    }
    guard !source.isEmpty else {
      report(
        .missing(own.prefix + "source", reason: "it says where the rows lie", advice: "`source: rows.jsonl`"),
        at: place,
        nil)
      return []
    }
    if ((try? pathKind(source)) ?? nil) == nil, HubCache.isName(source) {
      report(.remoteRows(source), at: place, own.prefix + "source")
      return []
    }
    return files(of: place.with(text: source))
  }

  // MARK: Tokens

  private func addTokens(_ name: String, _ sets: [RowSet], _ key: String, prefix: String, share: LocatedValue?) {
    var rows: [String] = []
    for (index, set) in sets.enumerated() {
      let path = sets.count == 1 ? key : "\(key)[\(index)]"
      for file in set.files {
        guard
          var load = loadNode(
            "\(prefix)_\(Self.nodeName(Sketch.stem(of: file.writtenText)))", file, set.kind.rows,
            origin: "\(path).source", comment: "\(path)._component_")
        else { continue }
        if share == nil, let count = firstRows(set.own) { load.set("max_rows", count, "\(path).split") }
        sketch.nodes.append(load)
        rows.append(load.name)
      }
    }
    guard let first = sets.first, !rows.isEmpty else { return }
    var (render, tokenize) = tokenNodes(name, rows, at: key)
    let isText = first.kind.rows.format == .text
    if !isText { setRendering(&render, first) }
    sketch.nodes.append(render)
    setLength(&tokenize, isText: isText, first, isPacked: key == "dataset")
    if let share {
      tokenize.set("validation", share, "dataset_val: which rows are held out follows from each row alone")
    }
    sketch.nodes.append(tokenize)
  }

  private func setRendering(_ render: inout Sketch.Node, _ set: RowSet) {
    render.set("template", text: "auto", at: arguments.located("dataset"), "the model's own chat template")
    if set.own.isGiven("new_system_prompt") { render.set("system", from: "new_system_prompt", of: set.own) }
    guard stage != "dpo" else { return }
    let learnsAll = set.own.isGiven("train_on_input") ? set.own.bool("train_on_input") : set.kind.learnsAll
    if learnsAll {
      render.set(
        "learn", text: "everything",
        at: set.own.located(set.own.isGiven("train_on_input") ? "train_on_input" : "_component_"),
        set.own.isGiven("train_on_input") ? "train_on_input" : "train_on_input, the default of alpaca's sets")
    }
  }

  private func setLength(_ tokenize: inout Sketch.Node, isText: Bool, _ set: RowSet, isPacked: Bool) {
    let key = "tokenizer.max_seq_len"
    if arguments.isGiven(key) {
      tokenize.set("max_length", from: key, of: arguments)
    } else if let folder = arguments.text("checkpointer.checkpoint_dir"),
      let length = Self.configured("max_position_embeddings", in: folder)
    {
      tokenize.set(
        "max_length", text: "\(length)", at: arguments.located(key), "tokenizer.max_seq_len: what the model can read")
    } else {
      report(
        .missing(key, reason: "how long a row may be is not known", advice: "`max_seq_len: 2048` in `tokenizer`"),
        at: arguments.located("dataset"), nil)
    }
    if isText {
      return tokenize.set(
        "fill_rows", text: "true", at: arguments.located("dataset"), "texts are cut and go on in the next row")
    }
    tokenize.set("overlong", text: "truncate", at: arguments.located(key), "turn by turn")
    if isPacked, stage == "sft" || stage == "distillation", set.own.bool("packed") {
      tokenize.set("packing", from: "packed", of: set.own)
    }
  }

  /// How many rows `split` takes; nil for all.
  private func firstRows(_ own: Arguments) -> LocatedValue? {
    guard own.isGiven("split"), let split = own.text("split"), split != "train" else { return nil }
    if split.hasPrefix("train[:"), split.hasSuffix("]"), let count = Int(split.dropFirst(7).dropLast()) {
      return own.located("split").with(text: "\(count)")
    }
    report(
      .refused(
        "split", split, reason: "a file has one part, `train`, of which all rows are read or the first",
        advice: "`train[:1000]`, or `train[:95%]` with `dataset_val` and `train[95%:]` of the same file"),
      at: own.located("split"), own.prefix + "split")
    return nil
  }
}
