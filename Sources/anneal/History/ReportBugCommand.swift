import ArgumentParser
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

/// `anneal report-bug`: everything about a run that helps to find what went wrong, in one folder.
struct ReportBugCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report-bug",
    abstract:
      "Puts what helps to find a fault into a folder: pipeline, record, logs, machine, and rows with masked texts.")

  @OptionGroup var workplace: Workplace

  @Argument(help: ArgumentHelp("A run's name, the beginning of one, or `last`.", valueName: "run"))
  var name = "last"

  @Option(name: .shortAndLong, help: "The folder to make; `anneal-bug-RUN` unless given.")
  var output: String?

  func run() throws {
    try reportingProblems {
      let record = try workplace.history.run(name)
      let folder = output ?? "anneal-bug-\(record.id)"
      guard try pathKind(folder) == nil else {
        throw Diagnostic(
          code: "in-the-way", "There is something at `\(folder)` already", advice: "name another folder with `-o`")
      }
      for (path, text) in try files(record) {
        let place = URL(fileURLWithPath: folder).appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(Self.withoutHome(text).utf8).write(to: place)
      }
      Terminal.say(
        "Look through it before you send it: logs may hold samples of answers, and names of files are as they are.")
      Terminal.put(folder)
    }
  }

  private func files(_ record: RunRecord) throws -> [(path: String, text: String)] {
    let files = FileSystem()
    var found: [(path: String, text: String)] = []
    func add(_ path: String, from place: String) throws {
      if let bytes = try files.read(place) { found.append((path, String(decoding: bytes, as: UTF8.self))) }
    }
    for name in ["run.json", "events.jsonl", "pipeline.yaml"] { try add(name, from: "\(record.folder)/\(name)") }
    for name in try files.names(in: record.folder + "/logs") {
      try add("logs/\(name)", from: "\(record.folder)/logs/\(name)")
    }
    let facts = try MachineFacts.decisive() + [("libraries", JSON(MachineFacts.libraries))]
    found.append(("machine.json", JSON(facts).text(.pretty) + "\n"))
    var told: Set<String> = []
    for source in record.graph.flatMap(\.sources) where told.insert(source.path).inserted {
      guard let rows = Self.rows(source.path) else { continue }
      found.append(("data/\(URL(fileURLWithPath: source.path).lastPathComponent)", rows))
    }
    return found
  }

  /// The first rows of a text file of data, masked; nil of other files.
  private static func rows(_ path: String) -> String? {
    let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
    guard ["jsonl", "json", "csv", "tsv", "txt"].contains(ending), !path.hasSuffix("config.json"),
      !path.hasSuffix("tokenizer.json"), let handle = FileHandle(forReadingAtPath: path),
      let start = try? handle.read(upToCount: 1 << 18)
    else { return nil }
    return MaskedRows(Array(start)).text
  }

  private static func withoutHome(_ text: String) -> String {
    guard let home = ProcessInfo.processInfo.environment["HOME"], home.count > 1 else { return text }
    return text.replacing(home, with: "~")
  }
}
