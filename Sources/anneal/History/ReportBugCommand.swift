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
      let history = workplace.history
      let id = try history.identifier(name)
      let folder = output ?? "anneal-bug-\(id)"
      guard try pathKind(folder) == nil else {
        throw Diagnostic(
          code: "in-the-way", "There is something at `\(folder)` already", advice: "name another folder with `-o`")
      }
      let record: RunRecord?
      do { record = try history.run(id) } catch {
        // A record that cannot be read is among the faults that are reported.
        Terminal.report(diagnostics(of: error).map { $0.asWarning() })
        record = nil
      }
      let pipeline = try? YAMLText(path: history.pipelinePath(of: id)).tree
      let secrets = KnownSecrets(pipeline, record?.parameters ?? [])
      try write(try files(history.folder(of: id), record), secrets, into: folder)
      Terminal.say(
        "Look through it before you send it: logs may hold samples of answers and tokens that nothing here knows of, and "
          + "names of files are as they are.")
      Terminal.put(folder)
    }
  }

  /// Writes all of it or nothing.
  private func write(_ contents: [(path: String, text: String)], _ secrets: KnownSecrets, into folder: String) throws {
    let files = FileSystem()
    do {
      for (path, text) in contents {
        let place = "\(folder)/\(path)"
        try files.makeFolder(parentFolder(of: place))
        try files.create(place, Array(Self.withoutHome(secrets.masked(text)).utf8))
      }
    } catch {
      try? files.removeTree(folder)
      throw error
    }
  }

  private func files(_ folder: String, _ record: RunRecord?) throws -> [(path: String, text: String)] {
    let files = FileSystem()
    var found: [(path: String, text: String)] = []
    func add(_ path: String) {
      // What cannot be read is left out: the rest may tell enough.
      guard let bytes = (try? files.read("\(folder)/\(path)")) ?? nil else { return }
      found.append((path, String(decoding: bytes, as: UTF8.self)))
    }
    for name in ["run.json", "events.jsonl", "pipeline.yaml"] { add(name) }
    for name in try files.names(in: folder + "/logs") { add("logs/" + name) }
    let facts = try MachineFacts.decisive() + [("libraries", JSON(MachineFacts.libraries))]
    found.append(("machine.json", JSON(facts).text(.pretty) + "\n"))
    var told: Set<String> = []
    for source in (record?.graph ?? []).flatMap(\.sources) where told.insert(source.path).inserted {
      guard let rows = Self.rows(source.path) else { continue }
      found.append((Self.free(URL(fileURLWithPath: source.path).lastPathComponent, among: found.map(\.path)), rows))
    }
    return found
  }

  /// A place in `data/` for a file's rows, with a number where another file has its name.
  private static func free(_ name: String, among taken: [String]) -> String {
    let url = URL(fileURLWithPath: name)
    var (place, number) = ("data/" + name, 1)
    while taken.contains(place) {
      number += 1
      place = "data/\(url.deletingPathExtension().lastPathComponent)-\(number).\(url.pathExtension)"
    }
    return place
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
