import Datasets
import Diagnostics
import Pipeline
import PreciseJSON

/// A dataset as `dataset_info.json` describes it, and how `load_dataset` reads it.
struct DatasetEntry {
  /// What learns from the rows.
  enum Use: String {
    case texts
    case conversations
    case pairs
    case judged
  }

  /// What LLaMA-Factory calls a column, and what `load_dataset` does.
  private static let columns: [(theirs: String, ours: Column)] = [
    ("prompt", .instruction), ("query", .input), ("response", .output), ("history", .history),
    ("messages", .messages), ("system", .system), ("tools", .tools), ("chosen", .chosen), ("rejected", .rejected),
    ("kto_tag", .label),
  ]
  /// What they are called where `columns` is not given; others are not read.
  private static let standards = [
    "prompt": "instruction", "query": "input", "response": "output", "messages": "conversations",
  ]
  private static let media = ["images", "videos", "audios"]
  private static let places = ["hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name"]
  private static let tags = [
    "role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag",
  ]
  private static let keys =
    places + [
      "file_name", "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags", "file_sha1",
    ]

  let name: String
  let registry: DatasetRegistry
  private let value: LocatedValue
  private(set) var problems: [Diagnostic] = []

  init(_ name: String, _ value: LocatedValue, of registry: DatasetRegistry) {
    self.name = name
    self.value = value
    self.registry = registry
    check()
  }

  private mutating func report(_ problem: RecipeProblem, at place: LocatedValue, _ path: String) {
    problems.append(problem.diagnostic(at: place, path: "\(name).\(path)"))
  }

  private mutating func report(_ problem: LLaMAFactoryProblem, at place: LocatedValue, _ path: String) {
    problems.append(problem.diagnostic(at: place, path: "\(name).\(path)"))
  }

  // MARK: Checking

  private mutating func check() {
    guard case .map = value.content else {
      problems.append(
        LLaMAFactoryProblem.entryKind(name, found: value.kindWords).diagnostic(at: value, path: name))
      return
    }
    let columns = Self.columns.map(\.theirs) + Self.media
    for pair in value.pairs where !Self.keys.contains(pair.key.text) {
      report(
        .unknownEntryKey(pair.key.text, among: Self.keys), at: LocatedValue(.map([]), at: pair.key.mark), pair.key.text)
    }
    for (group, names) in [("columns", columns), ("tags", Self.tags)] {
      guard let members = given(group) else { continue }
      guard case .map = members.content else {
        report(
          .entryValue("`\(group)` is \(members.kindWords)", reason: "it is a map of names", advice: "`{…}`"),
          at: members,
          group)
        continue
      }
      for pair in members.pairs where !names.contains(pair.key.text) {
        report(
          .unknownEntryKey(pair.key.text, among: names), at: LocatedValue(.map([]), at: pair.key.mark),
          "\(group).\(pair.key.text)")
      }
    }
    if let place = Self.places.first(where: { given($0) != nil }), let url = given(place) {
      report(.remoteDataset(name, key: place, where: url.writtenText), at: url, place)
    } else if file == nil {
      problems.append(LLaMAFactoryProblem.noFile(name).diagnostic(at: value, path: name))
    }
    if let formatting = given("formatting"), !["alpaca", "sharegpt", "openai"].contains(formatting.writtenText) {
      report(
        .unknownChoice(formatting.writtenText, among: ["alpaca", "sharegpt", "openai"]), at: formatting, "formatting")
    }
    if let split = given("split"), split.writtenText != "train" {
      report(
        .entryValue(
          "A part of a file (`split: \(split.writtenText)`) is not read", reason: "a file has one part, `train`",
          advice: "write the part to a file of its own"), at: split, "split")
    }
    for medium in Self.media where column(medium) != nil {
      report(.images(name, column: medium), at: given("columns")?[medium] ?? value, "columns.\(medium)")
    }
  }

  private func given(_ key: String) -> LocatedValue? { value[key].flatMap { $0.isNull ? nil : $0 } }

  /// The file or folder, at its place in the registry.
  var file: LocatedValue? {
    given("file_name").flatMap { file in file.scalarText.map { file.with(text: registry.path(of: $0)) } }
  }

  var isRanking: Bool {
    guard case .scalar(let scalar)? = given("ranking")?.content else { return false }
    return YAMLBool.read(scalar) ?? false
  }

  /// How many rows there are to be.
  var samples: LocatedValue? { given("num_samples") }

  /// Where the entry stands.
  var place: LocatedValue { value }

  private var formatting: String { given("formatting")?.scalarText ?? "alpaca" }

  /// What a file calls a column; `columns` takes the place of all defaults.
  private func column(_ theirs: String) -> LocatedValue? {
    if let columns = given("columns") {
      // JSON's quotes say nothing in a pipeline.
      return columns[theirs].flatMap { column in
        column.isNull ? nil : column.scalarText.map { column.with(text: $0) } ?? column
      }
    }
    return Self.standards[theirs].map { value.with(text: $0) }
  }

  private func tag(_ name: String, _ standard: String) -> String? {
    guard let tags = given("tags") else { return standard }
    return tags[name].flatMap { $0.isNull ? nil : $0.scalarText }
  }

  // MARK: Reading

  /// The fields of `load_dataset`, but `from`.
  struct Reading {
    var format: RowFormat
    var columns: [(name: Column, value: LocatedValue)] = []
    var ignored: [String] = []
    var comment: String
  }

  /// How rows are read for a use; what keeps them from being read is in ``problems``.
  mutating func reading(for use: Use, stage: String, file: String) -> Reading? {
    let isMessages = formatting != "alpaca"
    var reading: Reading
    var wanted: [String]
    switch use {
    case .texts where isMessages:
      report(
        .entryValue(
          "Dataset `\(name)` holds conversations, and `stage: pt` learns from texts",
          reason: "`formatting` is `\(formatting)`",
          advice: "`stage: sft`, or a file with a column of texts"), at: given("formatting") ?? value, "formatting")
      return nil
    case .texts:
      reading = Reading(format: .text, comment: "a text is the column that `columns.prompt` names")
      if let prompt = column("prompt"), prompt.scalarText != "text" { reading.columns = [(.text, prompt)] }
      return checked(&reading, read: [column("prompt")?.scalarText ?? ""], wanted: ["prompt"], file: file)
    case .conversations:
      reading = Reading(format: isMessages ? messageFormat() : .alpaca, comment: "formatting: \(formatting)")
      wanted =
        isMessages ? ["messages", "system", "tools"] : ["prompt", "query", "response", "history", "system", "tools"]
    case .pairs:
      reading = Reading(format: .preference, comment: "ranking: true")
      if isMessages { _ = messageFormat() }
      wanted =
        (isMessages ? ["messages"] : ["prompt", "query", "history"]) + ["system", "tools", "chosen", "rejected"]
    case .judged:
      reading = Reading(format: .judged, comment: "columns.kto_tag")
      if isMessages { _ = messageFormat() }
      wanted =
        (isMessages ? ["messages"] : ["prompt", "query", "response", "history"]) + ["system", "tools", "kto_tag"]
    }
    if (use == .pairs) != isRanking {
      problems.append(
        LLaMAFactoryProblem.wrongRows(name, stage: stage, isRanking: isRanking).diagnostic(
          at: given("ranking") ?? value, path: given("ranking") == nil ? name : "\(name).ranking"))
      return nil
    }
    if use == .judged, column("kto_tag") == nil {
      problems.append(
        LLaMAFactoryProblem.noTag(name).diagnostic(at: given("columns") ?? value, path: "\(name).columns"))
      return nil
    }
    var read: [String] = []
    for theirs in wanted {
      guard let column = column(theirs), let text = column.scalarText,
        let ours = Self.columns.first(where: { $0.theirs == theirs })?.ours
      else { continue }
      read.append(text)
      // The query is optional in the rows, and a column that no row has is an error where it is named.
      if text != ours.names[0] { reading.columns.append((ours, column)) }
    }
    let essential = isMessages ? ["messages"] : ["prompt"] + (use == .pairs ? [] : ["response"])
    return checked(
      &reading, read: read, wanted: essential + (use == .pairs ? ["chosen", "rejected"] : []), file: file)
  }

  /// The layout of lists of messages, by the names of their members.
  private mutating func messageFormat() -> RowFormat {
    let isOpenAI = formatting == "openai" && given("tags") == nil
    let role = isOpenAI ? "role" : tag("role_tag", "from")
    let content = isOpenAI ? "content" : tag("content_tag", "value")
    let roles: [(tag: String, standard: String, known: [String])] = [
      ("user_tag", "human", ["human", "user"]), ("assistant_tag", "gpt", ["gpt", "assistant"]),
      ("observation_tag", "observation", ["observation", "tool"]),
      ("function_tag", "function_call", ["function_call", "function", "tool_calls"]),
      ("system_tag", "system", ["system"]),
    ]
    for (name, standard, known) in roles {
      guard let text = tag(name, standard), !known.contains(text) else { continue }
      report(
        .entryValue(
          "Messages of `\(text)` are not known",
          reason: "`\(name)` is one of [\(known.map { "`\($0)`" }.joined(separator: ", "))]",
          advice: "rename the role in the file"), at: given("tags")?[name] ?? value, "tags.\(name)")
    }
    switch (role, content) {
    case ("from", "value"): return .sharegpt
    case ("role", "content"): return .messages
    default:
      report(
        .entryValue(
          "Messages have `\(role ?? "nothing")` and `\(content ?? "nothing")`, which are not read",
          reason: "they have `from` and `value`, or `role` and `content`", advice: "rename them in the file"),
        at: given("tags") ?? value, "tags")
      return .sharegpt
    }
  }

  /// Looks at the first row: columns that have to be there, and those that LLaMA-Factory passes over.
  private mutating func checked(
    _ reading: inout Reading, read: [String], wanted: [String], file: String
  ) -> Reading {
    var found: [String] = []
    // A file that cannot be read is `load_dataset`'s to report.
    _ = try? RowReader.read(path: file, format: reading.format == .text ? .text : nil, limit: 1) {
      found = $0.columns.keys
    }
    guard !found.isEmpty else { return reading }
    for theirs in wanted {
      guard let column = column(theirs), let text = column.scalarText, !found.contains(text) else { continue }
      report(
        .missingColumn(name, column: text, meaning: theirs, found: found), at: column,
        given("columns") == nil ? theirs : "columns.\(theirs)")
    }
    let layout = Layout.of(reading.format).columns
    for column in found where !read.contains(column) && Layout.hasMeaning(column) {
      reading.ignored.append(column)
      guard let ours = layout.first(where: { $0.names.contains(column) }), ours != .label, ours != .margin,
        let theirs = Self.columns.first(where: { $0.ours == ours })?.theirs
      else { continue }
      report(.unreadColumn(name, column: column, meaning: theirs), at: given("columns") ?? value, "columns")
    }
    // A column that the file has not cannot be named.
    reading.columns.removeAll { column in
      column.name == .input && !found.contains(column.value.scalarText ?? "")
    }
    return reading
  }
}
