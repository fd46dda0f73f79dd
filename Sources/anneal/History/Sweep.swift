import Foundation
import Pipeline
import PreciseJSON

/// What the members of a run's matrix came to: a row a member, its params and the numbers of its metrics.
struct Sweep {
  /// A number of a node's metrics, such as `quality.loss`.
  struct Measure: Hashable {
    var node: String
    var name: String
    var title: String { "\(node).\(name)" }
  }

  struct Row {
    /// In the order of ``Sweep/params``.
    var values: [String]
    var numbers: [Measure: Double] = [:]
    /// How the numbers of several members that became one row spread; nothing of a row of one.
    var deviations: [Measure: Double] = [:]
    var count = 1
    /// What keeps numbers from being there, such as `failed`.
    var states: [String: NodeState] = [:]
  }

  private(set) var params: [String]
  private(set) var measures: [Measure] = []
  private(set) var rows: [Row]

  /// Numbers of metrics that count what was measured.
  static let counts: Set<String> = [
    "label_tokens", "tokens", "rows", "pairs", "answers", "prompts", "steps", "best_step", "trainable_parameters",
  ]

  init(_ record: RunRecord, _ metrics: RunMetrics) throws {
    let members = record.nodes.filter { $0.member != nil }
    var names: [String] = []
    for node in members {
      for value in node.member?.values ?? [] where !names.contains(value.name) { names.append(value.name) }
    }
    // The order of the file's matrix is that of the node with the most params.
    let widest = members.map { $0.member?.values.map(\.name) ?? [] }.max { $0.count < $1.count } ?? []
    params = widest + names.filter { !widest.contains($0) }
    var found: [Row] = []
    for node in members where node.member?.values.count == widest.count {
      let values = Dictionary((node.member?.values ?? []).map { ($0.name, $0.value) }) { first, _ in first }
      let row = params.map { values[$0] ?? "" }
      if !found.contains(where: { $0.values == row }) { found.append(Row(values: row)) }
    }
    rows = found
    for node in members {
      guard let member = node.member else { continue }
      let told = try metrics.numbers(node)
      for (name, _) in told where !measures.contains(Measure(node: member.node, name: name)) {
        measures.append(Measure(node: member.node, name: name))
      }
      for index in rows.indices where belongs(member, to: rows[index]) {
        if told.isEmpty { rows[index].states[member.node] = node.state }
        for (name, value) in told { rows[index].numbers[Measure(node: member.node, name: name)] = value }
      }
    }
  }

  private func belongs(_ member: MatrixMember, to row: Row) -> Bool {
    member.values.allSatisfy { value in params.firstIndex(of: value.name).map { row.values[$0] == value.value } ?? false
    }
  }

  /// One row for all members that differ in a param alone: means of their numbers, and how these spread.
  mutating func average(over param: String) {
    guard let place = params.firstIndex(of: param) else { return }
    params.remove(at: place)
    var groups: [(values: [String], rows: [Row])] = []
    for var row in rows {
      row.values.remove(at: place)
      if let index = groups.firstIndex(where: { $0.values == row.values }) {
        groups[index].rows.append(row)
      } else {
        groups.append((row.values, [row]))
      }
    }
    rows = groups.map { values, members in
      var row = Row(values: values, count: members.count)
      for member in members { row.states.merge(member.states) { first, _ in first } }
      for measure in measures {
        let numbers = members.compactMap { $0.numbers[measure] }
        guard !numbers.isEmpty else { continue }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        row.numbers[measure] = mean
        guard numbers.count > 1 else { continue }
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        row.deviations[measure] = (squares / Double(numbers.count - 1)).squareRoot()
      }
      return row
    }
  }

  /// Puts the rows in the order of a number, the best first.
  mutating func sort(by measure: Measure, higherIsBetter: Bool) {
    rows = rows.enumerated().sorted { one, other in
      switch (one.element.numbers[measure], other.element.numbers[measure]) {
      case (let first?, let second?) where first != second: higherIsBetter ? first > second : first < second
      case (_?, nil): true
      case (nil, _?): false
      default: one.offset < other.offset
      }
    }.map(\.element)
  }

  /// Whether a larger number of this name is the better one, as far as the name tells.
  static func higherIsBetter(_ name: String) -> Bool {
    ["accuracy", "margin", "reward", "bleu", "rouge", "exact"].contains { name.contains($0) }
  }

  /// A cell of a table.
  func text(_ row: Row, _ measure: Measure) -> String {
    guard let number = row.numbers[measure] else { return row.states[measure.node]?.rawValue ?? "" }
    let deviation = row.deviations[measure].map { " ± \(EventWords.value($0, .plain))" } ?? ""
    return EventWords.value(number, .plain) + deviation
  }

  var json: JSON {
    .array(
      rows.map { row in
        var members: [(key: String, value: JSON)] = [
          ("params", JSON(zip(params, row.values).map { (key: $0, value: JSON($1)) }))
        ]
        members.append(
          (
            "metrics",
            JSON(measures.compactMap { measure in row.numbers[measure].map { (key: measure.title, value: JSON($0)) } })
          ))
        if row.count > 1 {
          members.append(("members", JSON(row.count)))
          members.append(
            (
              "deviations",
              JSON(
                measures.compactMap { measure in row.deviations[measure].map { (key: measure.title, value: JSON($0)) } }
              )
            ))
        }
        return JSON(members)
      })
  }

  /// Comma-separated values (RFC 4180).
  var csv: String {
    func cell(_ text: String) -> String {
      text.contains(where: { ",\"\n\r".contains($0) }) ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
    func number(_ value: Double?) -> String { value.map { JSON($0).text() } ?? "" }
    // Of means also how many they are of, and how these spread.
    let areMeans = rows.contains { $0.count > 1 }
    let head = params + (areMeans ? ["members"] : [])
    let titles = measures.flatMap { areMeans ? [$0.title, $0.title + " deviation"] : [$0.title] }
    let lines =
      [head + titles]
      + rows.map { row -> [String] in
        let numbers = measures.flatMap { measure -> [String] in
          areMeans
            ? [number(row.numbers[measure]), number(row.deviations[measure])] : [number(row.numbers[measure])]
        }
        return row.values + (areMeans ? [String(row.count)] : []) + numbers
      }
    return lines.map { $0.map(cell).joined(separator: ",") }.joined(separator: "\n")
  }
}
