import ArgumentParser
import ChatTemplates
import Datasets
import Diagnostics
import FineTuningNodes
import Glibc
import PreciseJSON
import TokenShards
import Tokenization

/// `anneal render`: a dataset as the model will see it, with what is trained on marked.
struct RenderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Shows the rows of a dataset as the model sees them, with what it learns marked.")

  @Option(help: "A model folder, a folder with tokenizer.json, or a .gguf file.")
  var tokenizer: String

  @Option(help: "`auto` for the tokenizer's own chat template, or a Jinja file.")
  var template = "auto"

  @Option(help: "A file of JSON objects or of text.")
  var dataset: String

  @Option(help: "The layout of the rows, or `auto`.")
  var format = "auto"

  @Option(name: .customLong("column"), help: "A column under another name, such as `prompt=query`.")
  var columns: [String] = []

  @Option(name: .customLong("ignore-column"), help: "A column to leave out.")
  var ignoredColumns: [String] = []

  @Option(name: .customLong("keep-column"), help: "A column that travels with prompts, for reward functions.")
  var keptColumns: [String] = []

  @Option(help: "Cut longer rows to this many tokens, as `overlong: truncate` does.")
  var maxLength: Int?

  @Option(help: "The day that templates which print a date are rendered for.")
  var date = ConversationFormat.defaultDate

  @Option(
    name: .customLong("weight"),
    help: "What a part of answers counts, such as `thoughts=0`; the parts are answers, thoughts and tool_calls.")
  var weights: [String] = []

  @Option(
    name: .customLong("weight-pattern"),
    help: "What the matches of a regular expression in what is learned count, such as `#### .*=5`.")
  var weightPatterns: [String] = []

  @Option(help: "Show only the first rows.")
  var limit: Int?

  @Flag(
    help: """
      Print one JSON object a sequence: its row, its role, `input_ids`, `labels` (-100 is not trained on), text, and the \
      `columns` that travel with a prompt.
      """
  )
  var json = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("`--limit` must be at least 1.") }
    if let maxLength, maxLength < 1 { throw ValidationError("`--max-length` must be at least 1.") }
  }

  func run() throws {
    try reportingProblems {
      let tokenizer = try Tokenizer.load(path: tokenizer)
      let renderer = try RecordRenderer(
        templates: templates(of: tokenizer), specialTokens: tokenizer.templateTokens, endMarks: tokenizer.endMarks,
        day: TemplateClock(written: date), weights: weightRules())
      var report = RenderingReport()
      var tokenizing = GroupTokenizer.Options(
        maxLength: maxLength ?? .max, overlong: .truncate, packs: false, split: ValidationSplit(share: 0))
      tokenizing.keepsUseless = true
      let encoder = GroupTokenizer(tokenizer: tokenizer, options: tokenizing)
      var useless = UselessRows()
      var options = RecordReading.Options()
      options.format = try knownFormat()
      options.columns = try columnMap()
      (options.ignored, options.kept) = (ignoredColumns, keptColumns)
      options.limit = limit
      var problems: [Diagnostic] = []
      func collect(_ work: () throws -> Void) throws {
        do { try work() } catch let error as any DiagnosticError { problems += error.diagnostics }
      }
      try collect {
        let reading = try RecordReading(path: dataset, options) { record, row in
          let rendering: Rendering
          do {
            rendering = try renderer.render(record)
          } catch let error as any DiagnosticError {
            return report.fail(error, row: row.number)
          }
          report.add(rendering, row: row.number)
          let result = try encoder.tokenize(
            lines: [rendering.record.line(RecordHash(of: record, line: record.json.text()))],
            isText: record.kind == .text,
            firstRow: row.number, file: dataset)
          useless.add(result.report, row: row.number)
          let sequences = result.train.flatMap { tokens in tokens.sequences.map { (tokens, $0) } }
          for ((tokens, sequence), text) in zip(sequences, rendering.record.texts) {
            Terminal.put(
              json
                ? Self.object(sequence, of: tokens, row: row.number, text: text).text()
                : Self.heading(sequence, of: tokens, row: row.number) + (try shown(sequence, tokenizer)) + "\n")
          }
        }
        for line in reading.lines { Terminal.say(line) }
        Terminal.report(reading.warnings)
      }
      Terminal.report(report.warnings(file: dataset) + useless.warnings(file: dataset))
      try collect { try report.throwIfAny(file: dataset) }
      if !problems.isEmpty { throw DiagnosticList(problems) }
    }
  }

  private func columnMap() throws -> ColumnMap {
    var map = ColumnMap()
    for entry in columns {
      let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
      let names = Column.allCases.map(\.rawValue)
      guard parts.count == 2, let column = Column(rawValue: parts[0]) else {
        throw Diagnostic(
          code: "unknown-column", "`--column \(entry)` names no column",
          reason: "known are [\(names.joined(separator: ", "))]",
          advice: "write `--column NAME=COLUMN`, such as `--column prompt=query`")
      }
      map[column] = parts[1]
    }
    return map
  }

  private func weightRules() throws -> WeightRules {
    let names: [String: WritableKeyPath<AnswerWeights, Double>] = [
      "answers": \.answers, "thoughts": \.thoughts, "tool_calls": \.toolCalls,
    ]
    var rules = WeightRules()
    for entry in weights {
      let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let weight = Double(parts[1]), weight >= 0, weight.isFinite,
        let part = names[parts[0]]
      else {
        throw Diagnostic(
          code: "weight", "`--weight \(entry)` does not say what a part of answers counts",
          reason: "the parts are [answers, thoughts, tool_calls], and a weight is a number from 0",
          advice: "write `--weight PART=NUMBER`, such as `--weight thoughts=0`")
      }
      rules.parts[keyPath: part] = weight
    }
    for entry in weightPatterns {
      do {
        try rules.add(entry)
      } catch {
        throw Diagnostic(
          code: "weight", "`--weight-pattern \(entry)` does not say what the matches of an expression count",
          reason: error.reason, advice: "write `--weight-pattern PATTERN=NUMBER`")
      }
    }
    return rules
  }

  private func knownFormat() throws -> RowFormat? {
    if format == "auto" { return nil }
    if let known = RowFormat(rawValue: format) { return known }
    let names = RowFormat.allCases.map(\.rawValue)
    throw Diagnostic(
      code: "unknown-format", "Unknown format `\(format)`", reason: "known are [\(names.joined(separator: ", "))]",
      advice: nearestName(to: format, among: names).map { "`\($0)`" })
  }

  /// The tokenizer's own templates, which plain texts do not need, or the one of a file.
  private func templates(of tokenizer: Tokenizer) throws -> ChatTemplateSet {
    if template != "auto" { return ChatTemplateSet(try ChatTemplate(source: readText(template), name: template)) }
    return try tokenizer.chatTemplates.isEmpty ? ChatTemplateSet([]) : ChatTemplateSet(tokenizer)
  }

  private static func object(_ sequence: TokenSequence, of tokens: TokenRow, row: Int, text: String) -> JSON {
    let labels = zip(sequence.ids, sequence.lossMask).map { id, isTrained in JSON(isTrained ? Int(id) : -100) }
    var members: [(key: String, value: JSON)] = [
      ("row", JSON(row)), ("role", JSON("\(sequence.role)")),
      ("input_ids", .array(sequence.ids.map { JSON(Int($0)) })), ("labels", .array(labels)),
    ]
    if !sequence.weights.isEmpty {
      let weights = zip(sequence.weights, sequence.lossMask).map { JSON($0.1 ? Double($0.0) : 0) }
      members.append(("weights", .array(weights)))
    }
    members.append(("text", JSON(text)))
    if tokens.columns != nil { members.append(("columns", .object(tokens.columnValues))) }
    return JSON(members)
  }

  /// What a sequence is in its row, where it is more than the row's conversation or text, and what travels with it.
  private static func heading(_ sequence: TokenSequence, of tokens: TokenRow, row: Int) -> String {
    let travelling = tokens.columns.map { ", with \($0)" } ?? ""
    return sequence.role == .sample ? "" : "row \(row), \(sequence.role)\(travelling):\n"
  }

  /// The text, with trained stretches in green on a terminal and in ⟦…⟧ elsewhere, led by what they count where that is
  /// not 1.
  private func shown(_ sequence: TokenSequence, _ tokenizer: Tokenizer) throws -> String {
    let marks = Terminal.takesColor(STDOUT_FILENO) ? ("\u{1B}[32m", "\u{1B}[0m") : ("⟦", "⟧")
    // What each token counts; 0 where it is not trained on.
    let weights = sequence.lossMask.indices.map { index -> Float in
      sequence.lossMask[index] ? sequence.weights.isEmpty ? 1 : sequence.weights[index] : 0
    }
    var text = ""
    var start = 0
    while start < sequence.ids.count {
      var end = start
      while end < sequence.ids.count, weights[end] == weights[start] { end += 1 }
      let piece = try tokenizer.decode(sequence.ids[start..<end], skipsSpecialTokens: false)
      let factor = weights[start] == 1 ? "" : "×\(JSON(Double(weights[start])).text()) "
      text += weights[start] > 0 ? marks.0 + factor + piece + marks.1 : piece
      start = end
    }
    return text
  }
}
