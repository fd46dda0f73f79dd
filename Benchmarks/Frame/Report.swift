import Foundation
import PreciseJSON

/// The numbers of one call: a table for people, and a file to compare the next call with.
struct Report {
  private(set) var measurements: [Measurement] = []
  private let before: [String: Double]
  private let width = 42

  /// - Parameter previous: The file of an earlier call; its medians stand in the last column.
  init(previous: String?) {
    var before: [String: Double] = [:]
    let json = previous.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) }.flatMap { try? JSON(parsing: $0) }
    for result in json?["results"]?.array ?? [] {
      if let name = result["name"]?.string { before[name] = result["median"]?.double }
    }
    self.before = before
  }

  var header: String {
    "\(cell("", width))\(cell("best", -10))\(cell("median", -10))\(cell("before", -10))  unit"
  }

  /// Takes a measurement and gives its line of the table.
  mutating func add(_ measurement: Measurement) -> String {
    measurements.append(measurement)
    let old = before[measurement.name].map(number) ?? "-"
    return cell(measurement.name, width) + cell(number(measurement.best), -10) + cell(number(measurement.median), -10)
      + cell(old, -10) + "  " + measurement.words
  }

  /// What is kept of the call.
  func json(date: Date) -> JSON {
    [
      "date": JSON(date.ISO8601Format()), "cores": JSON(ProcessInfo.processInfo.activeProcessorCount),
      "processor": JSON(Self.processor), "results": .array(measurements.map(\.json)),
    ]
  }

  private static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }

  private func number(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }

  /// A text in a column; a negative width puts it at the right.
  private func cell(_ text: String, _ width: Int) -> String {
    let blanks = String(repeating: " ", count: max(1, abs(width) - text.count))
    return width < 0 ? blanks + text : text + blanks
  }
}
