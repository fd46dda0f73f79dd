import Datasets
import Diagnostics
import Pipeline

/// A dataset as a configuration of Axolotl's describes it.
extension AxolotlExpansion {
  /// What a dataset becomes: how its rows are read, and what of them is learned.
  struct Dataset {
    var arguments: Arguments
    var rows: RowColumns
    var comment: String
    var learnsAll = false
    /// Where its template is named, where not by the file itself.
    var template: LocatedValue?
  }

  /// Reads a dataset of a list; what is wrong with it is reported, and then there is none.
  func dataset(_ value: LocatedValue, at path: String) -> Dataset? {
    guard case .map = value.content else {
      report(
        .refused(
          path, value.writtenText, reason: "a dataset is a map", advice: "`{path: rows.jsonl, type: chat_template}`"),
        at: value, path)
      return nil
    }
    let own = Arguments(YAMLText(value, of: arguments.file.source), .axolotlDataset, prefix: path + ".")
    inner.append(own)
    guard var layout = layout(of: own) else { return nil }
    rename(&layout.rows, own)
    checkRoles(own)
    let written = own.isGiven("type") ? own.located("type").writtenText : "none"
    if let text = layout.text {
      report(
        .otherwise(
          "`type: \(written)` lays prompts out by \(text), and the model's own chat template is taken here",
          reason: "a model is asked by its chat template, and learns best what it will be asked by",
          advice: "a layout of another kind is a Jinja file: `chat_template: jinja` and `chat_template_jinja: FILE`"),
        at: own.located("type"), "\(path).type")
    }
    return Dataset(
      arguments: own, rows: layout.rows, comment: "type: \(written)", learnsAll: learnsAll(own),
      template: templateFile(own))
  }

  // MARK: Layouts

  private func layout(of own: Arguments) -> AxolotlLayouts.Layout? {
    if stageKey == "pretraining_dataset" {
      _ = own.isGiven("type")
      var layout = AxolotlLayouts.answers["pretrain"]
      layout?.rows.reads = [.needed(.text, own.text("text_column") ?? "text")]
      return layout
    }
    let type = own.located("type")
    if case .map = type.content, own.isGiven("type") { return ownLayout(type, own) }
    guard own.isGiven("type"), let name = type.scalarText else {
      report(
        .missing(
          own.prefix + "type", reason: "it says how rows are read", advice: "`type: chat_template`, or `alpaca`"),
        at: own.file.tree, nil)
      return nil
    }
    let layout: AxolotlLayouts.Layout?
    switch stage {
    case "sft":
      let style = name.split(separator: ":").first.map(String.init) ?? name
      layout = AxolotlLayouts.answers[style]
    case "kto": layout = preference(name, AxolotlLayouts.verdicts)
    case "rm": layout = name.hasPrefix("bradley_terry") ? AxolotlLayouts.pairsOfScores : nil
    default: layout = preference(name, AxolotlLayouts.pairs)
    }
    if layout == nil { refuseType(name, at: type, own) }
    return layout
  }

  private func refuseType(_ name: String, at type: LocatedValue, _ own: Arguments) {
    let names: [String]
    switch stage {
    case "sft": names = AxolotlLayouts.answers.keys.sorted()
    case "kto": names = AxolotlLayouts.verdicts.keys.sorted().map { "chatml.\($0)" }
    case "rm": names = ["bradley_terry.chat_template"]
    default:
      names =
        AxolotlLayouts.pairs.keys.sorted().map { $0.isEmpty ? "chatml" : "chatml.\($0)" } + [
          "chat_template.default", "chat_template.argilla",
        ]
    }
    let reasons = [
      "input_output": "rows without a template are not read",
      "stepwise_supervised": "rewards are of whole answers",
    ]
    report(
      .refused(
        own.prefix + "type", name,
        reason: reasons[name] ?? "such rows are not read; known are \(ProblemWords.list(names))",
        advice: nearestName(to: name, among: names).map { "`\($0)`" }
          ?? "bring the rows to messages, and `type: chat_template`"), at: type, own.prefix + "type")
  }

  private func preference(_ name: String, _ layouts: [String: AxolotlLayouts.Layout]) -> AxolotlLayouts.Layout? {
    let parts = name.split(separator: ".").map(String.init)
    let rest = parts.dropFirst().joined(separator: ".")
    if parts.first == "chat_template" {
      if rest.isEmpty || rest == "default" { return stage == "kto" ? nil : AxolotlLayouts.pairsBehindMessages }
      return layouts[rest]
    }
    guard let first = parts.first, AxolotlLayouts.templates.contains(first), var layout = layouts[rest] else {
      return nil
    }
    if first != "passthrough" { layout.text = "a layout of its own (`\(first)`)" }
    return layout
  }

  /// A layout that the file itself describes: names of columns are taken, formats of prompts refused.
  private func ownLayout(_ type: LocatedValue, _ own: Arguments) -> AxolotlLayouts.Layout? {
    for key in [
      "format", "no_input_format", "system_format", "prompt_format", "chosen_format", "rejected_format",
      "completion_format",
    ] {
      guard let value = type[key], !value.isNull, !value.writtenText.isEmpty else { continue }
      report(
        .refused(
          "type.\(key)", value.kindWords, reason: "prompts are laid out by a chat template",
          advice: "write the layout as a Jinja file: `chat_template: jinja` and `chat_template_jinja: FILE`"),
        at: value,
        own.prefix + "type.\(key)")
    }
    func read(_ column: Column, _ key: String, _ name: String, isRequired: Bool = true) -> RowColumns.Read {
      RowColumns.Read(column: column, names: [name], isRequired: isRequired).named(type[key])
    }
    let system = read(.system, "field_system", "system", isRequired: false)
    switch stage {
    case "kto":
      return AxolotlLayouts.Layout(
        .judged,
        [
          read(.prompt, "field_prompt", "prompt"), read(.completion, "field_completion", "completion"),
          read(.label, "field_label", "label"), system,
        ])
    case "sft":
      return AxolotlLayouts.Layout(
        .alpaca,
        [
          read(.instruction, "field_instruction", "instruction"),
          read(.input, "field_input", "input", isRequired: false), read(.output, "field_output", "output"), system,
        ])
    default:
      return AxolotlLayouts.Layout(
        .preference,
        [
          read(.prompt, "field_prompt", "prompt"), read(.chosen, "field_chosen", "chosen"),
          read(.rejected, "field_rejected", "rejected"), system,
        ])
    }
  }

  // MARK: Names

  /// Gives columns the names that keys of the dataset say.
  private func rename(_ rows: inout RowColumns, _ own: Arguments) {
    let keys: [(column: Column, key: String)] = [
      (.messages, "field_messages"), (.tools, "field_tools"), (.chosen, "field_chosen"), (.rejected, "field_rejected"),
      (.text, "field"),
    ]
    for (column, key) in keys where own.isGiven(key) {
      guard let index = rows.reads.firstIndex(where: { $0.column == column }) else { continue }
      rows.reads[index] = rows.reads[index].named(own.located(key))
    }
    guard rows.format == .messages else { return }
    let mapping = own.located("message_property_mappings")
    let role = mapping["role"]?.scalarText ?? own.text("message_field_role") ?? "role"
    let content = mapping["content"]?.scalarText ?? own.text("message_field_content") ?? "content"
    switch (role, content) {
    case ("role", "content"): break
    case ("from", "value"): rows.format = .sharegpt
    default:
      report(
        .refused(
          "message_property_mappings", "{role: \(role), content: \(content)}",
          reason: "messages have `role` and `content`, or `from` and `value`", advice: "rename them in the file"),
        at: mapping, own.prefix + "message_property_mappings")
    }
  }

  private static let roles: [String: Set<String>] = [
    "user": ["user", "human"], "assistant": ["assistant", "gpt"], "system": ["system"],
    "tool": ["tool", "observation", "function"],
  ]

  private func checkRoles(_ own: Arguments) {
    let marks = ["training", "train", "train_on_turn", "loss", "weight", "loss_weight", "masked"]
    if own.isGiven("message_field_training"), let mark = own.text("message_field_training"), !marks.contains(mark) {
      report(
        .refused(
          "message_field_training", mark, reason: "a mark of what is learned is one of \(ProblemWords.list(marks))",
          advice: "rename it in the file"), at: own.located("message_field_training"),
        own.prefix + "message_field_training")
    }
    guard own.isGiven("roles") else { return }
    for pair in own.located("roles").pairs {
      let known = Self.roles[pair.key.text] ?? []
      for name in pair.value.names where !known.contains(name.scalarText ?? "") {
        report(
          .refused(
            "roles.\(pair.key.text)", name.writtenText,
            reason: known.isEmpty
              ? "roles are \(ProblemWords.list(Self.roles.keys.sorted()))"
              : "it is one of \(ProblemWords.list(known.sorted()))", advice: "rename the role in the file"), at: name,
          own.prefix + "roles.\(pair.key.text)")
      }
    }
  }

  private func learnsAll(_ own: Arguments) -> Bool {
    let roles = own.names("roles_to_train").compactMap(\.scalarText)
    let known = Set(roles.map { role in Self.roles.first { $0.value.contains(role) }?.key ?? role })
    if known.isEmpty || known == ["assistant"] { return false }
    if known.isSuperset(of: ["assistant", "user"]) { return true }
    report(
      .refused(
        "roles_to_train", ProblemWords.list(roles), reason: "what the assistant says is learned, or all of it",
        advice: "`[assistant]`, or marks in the rows: docs/datasets.md"), at: own.located("roles_to_train"),
      own.prefix + "roles_to_train")
    return false
  }
}
