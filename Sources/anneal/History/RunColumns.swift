import Pipeline
import PreciseJSON

/// The params and the numbers of a run, by name.
struct RunColumns {
  struct Value {
    var text: String
    var number: Double?
  }

  let run: RunRecord
  private(set) var names: [String] = []
  private var values: [String: Value] = [:]

  /// A run by itself, of which nothing more is asked.
  init(_ run: RunRecord) { self.run = run }

  /// - Throws: What keeps the store from being read.
  init(_ run: RunRecord, _ metrics: RunMetrics) throws {
    self.run = run
    for parameter in run.parameters {
      set(parameter.name, Value(text: parameter.value, number: Double(parameter.value)))
    }
    for node in run.nodes {
      for (name, number) in try metrics.numbers(node) {
        set("\(node.name).\(name)", Value(text: EventWords.value(number, .plain), number: number))
      }
    }
  }

  private mutating func set(_ name: String, _ value: Value) {
    if values[name] == nil { names.append(name) }
    values[name] = value
  }

  subscript(name: String) -> Value? { values[name] }

  /// The record, with the values of some names under `columns`.
  func json(_ shown: [String]) -> JSON {
    guard !shown.isEmpty, var object = run.json.object else { return run.json }
    object["columns"] = JSON(
      shown.map { name -> (key: String, value: JSON) in
        (name, values[name].map { value in value.number.map { JSON($0) } ?? JSON(value.text) } ?? .null)
      })
    return .object(object)
  }

  /// Runs in the order of a value, numbers by their size before texts, those without it at the end.
  static func sorted(_ runs: [RunColumns], by name: String, descending: Bool) -> [RunColumns] {
    runs.enumerated().sorted { one, other in
      guard let first = one.element[name] else { return false }
      guard let second = other.element[name] else { return true }
      if let a = first.number, let b = second.number {
        return a == b ? one.offset < other.offset : descending ? a > b : a < b
      }
      if first.text == second.text { return one.offset < other.offset }
      return descending ? first.text > second.text : first.text < second.text
    }.map(\.element)
  }
}
