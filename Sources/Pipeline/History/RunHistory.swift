import Diagnostics
import Glibc
import PreciseJSON

/// The runs of a project: `.anneal/runs/<id>/` with `run.json`, `events.jsonl` and `logs/<node>.log` each.
///
/// The files are the truth; an SQLite index beside them answers questions over many runs and is made again from them
/// whenever it is missing, damaged or behind.
package struct RunHistory: Sendable {
  /// The folder of the runs.
  package let folder: String
  let files: FileSystem
  let index: RunIndex
  /// Told of records that cannot be read, where the one that is meant may be older than was thought.
  private let warn: @Sendable ([Diagnostic]) -> Void

  /// The history of a project: the folder that holds (or will hold) `.anneal`.
  package init(
    project: String, files: FileSystem = FileSystem(), warn: @escaping @Sendable ([Diagnostic]) -> Void = { _ in }
  ) {
    folder = project + "/.anneal/runs"
    self.files = files
    self.warn = warn
    index = RunIndex(path: folder + "/index.sqlite")
  }

  package func folder(of run: String) -> String { "\(folder)/\(run)" }
  /// The pipeline file of a run, as it held after all changes on the command line.
  package func pipelinePath(of run: String) -> String { folder(of: run) + "/pipeline.yaml" }
  package func logPath(run: String, node: String) -> String { "\(folder(of: run))/logs/\(node).log" }

  /// A name for a new run: sorts by its time (UTC, to the millisecond), then random, such as
  /// `20261123-220448123-3f9a2c`.
  package static func newIdentifier() -> String {
    let clock = wallClock()
    var now = time_t(clock / 1_000_000_000)
    var parts = tm()
    gmtime_r(&now, &parts)
    func pad(_ value: Int32, _ digits: Int = 2) -> String {
      String(repeating: "0", count: max(0, digits - String(value).count)) + String(value)
    }
    let day = "\(parts.tm_year + 1900)\(pad(parts.tm_mon + 1))\(pad(parts.tm_mday))"
    let moment = pad(parts.tm_hour) + pad(parts.tm_min) + pad(parts.tm_sec)
    let milliseconds = pad(Int32(clock / 1_000_000 % 1000), 3)
    return "\(day)-\(moment)\(milliseconds)-\(uniqueName().prefix(6))"
  }

  /// Starts the record of a new run.
  ///
  /// - Parameters:
  ///   - purpose: Which command makes it; nil of ordinary runs.
  ///   - environment: What there is to know about the program and the machine.
  /// - Throws: ``SystemError`` when the project folder cannot be written; then nothing of the run stays there.
  package func begin(
    _ pipeline: ResolvedPipeline, purpose: RunPurpose? = nil, environment: JSON = [:]
  ) throws -> RunRecorder {
    let id = Self.newIdentifier()
    do {
      try files.makeFolder(folder(of: id) + "/logs")
      return try RunRecorder(id: id, pipeline: pipeline, purpose: purpose, environment: environment, history: self)
    } catch {
      // The error tells more than what its clearing up may meet.
      try? files.removeTree(folder(of: id))
      throw error
    }
  }

  // MARK: Questions

  /// The runs, newest first.
  ///
  /// - Parameter isWhole: Whether runs for the purposes of other commands are among them.
  package func runs(pipeline: String? = nil, limit: Int = .max, isWhole: Bool = false) throws -> [RunRecord] {
    // An index that cannot be had is done without; records that cannot be read are named by `unreadable()`.
    if let found = try? refreshed({ try $0.runs(pipeline: pipeline, limit: limit, isWhole: isWhole) }) {
      return found.compactMap { try? record(of: $0) }
    }
    // Where no index can be written, the records themselves tell.
    let records = try identifiers().reversed().lazy.compactMap { try? record(of: $0) }
    return Array(
      records.filter { (pipeline == nil || $0.pipeline == pipeline) && (isWhole || $0.purpose == nil) }.prefix(limit))
  }

  /// The record of one run.
  ///
  /// A name is the whole name, a beginning or ending that only it has, or `last`. Throws ``UnknownRun``, or
  /// ``JSONError`` for a damaged record.
  package func run(_ name: String) throws -> RunRecord { try record(of: try identifier(name)) }

  /// The whole name of a run.
  ///
  /// `last` is the newest that was asked for as such; one whose record cannot be read is passed over, with a warning.
  package func identifier(_ name: String) throws -> String {
    let all = try identifiers()
    if name == "last", !all.isEmpty {
      var problems: [Diagnostic] = []
      for id in all.reversed() {
        do { if try record(of: id).purpose != nil { continue } } catch {
          problems += diagnostics(of: error)
          continue
        }
        warn(problems.map { $0.asWarning() })
        return id
      }
      if !problems.isEmpty { throw DiagnosticList(problems) }
    }
    let matching = all.filter { $0 == name || $0.hasPrefix(name) || $0.hasSuffix("-" + name) }
    guard matching.count == 1, let only = matching.first else {
      throw UnknownRun(name: name, matching: Array(matching.suffix(5)), isEmpty: all.isEmpty)
    }
    return only
  }

  /// The text of a node's log; nil when the node wrote none.
  package func log(run: String, node: String) throws -> String? {
    try files.read(logPath(run: run, node: node)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The names of the nodes of a run.
  ///
  /// A run that was killed did not say how they fared; those that wrote a log are known.
  package func nodes(of run: RunRecord) throws -> [String] {
    guard run.nodes.isEmpty else { return run.nodes.map(\.name) }
    let logs = try files.names(in: run.folder + "/logs")
    return logs.filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }
  }

  /// What nodes are expected to take, by the runs so far; nothing where nothing ran yet.
  package func expectations(pipeline: String, nodes: [ResolvedNode]) -> [String: Expectation] {
    // A guess at times is not worth an error.
    guard !nodes.isEmpty, let status = try? files.status(folder), status.kind == .folder else { return [:] }
    return (try? refreshed { try $0.expectations(pipeline: pipeline, nodes: nodes) }) ?? [:]
  }

  /// The last run's record of the node with this name (else of a node of this type) that has a key preimage, for
  /// `anneal why`.
  package func lastPreimage(
    pipeline: String, node: String, type: String
  ) throws -> (run: String, node: String, preimage: KeyPreimage)? {
    let places: [(run: String, node: String)]
    // Where no index can be written, the records themselves tell.
    do { places = try refreshed { try $0.lastKeys(pipeline: pipeline, node: node, type: type) } } catch {
      places = try runs(pipeline: pipeline).flatMap { run in
        run.nodes.filter { $0.type == type && $0.key != nil }.map { (run.id, $0.name) }
      }.sorted { ($0.node == node ? 1 : 0, $0.run) > ($1.node == node ? 1 : 0, $1.run) }
    }
    for place in places {
      guard let record = try? record(of: place.run), let found = record.nodes.first(where: { $0.name == place.node }),
        let preimage = found.preimage
      else { continue }
      return (place.run, place.node, preimage)
    }
    return nil
  }

  // MARK: Files

  func identifiers() throws -> [String] {
    try files.names(in: folder).filter { $0.first.map { "0"..."9" ~= $0 } ?? false }
  }

  private func record(of id: String) throws -> RunRecord {
    let path = folder(of: id) + "/run.json"
    guard let bytes = try files.read(path) else { throw DamagedRecord(folder: folder(of: id), isMissing: true) }
    let record = try RunRecord(json: try JSON(parsing: bytes, file: path), folder: folder(of: id))
    // Until its end a run says what it does in its events alone; where they cannot be read the record has no nodes.
    guard record.state == .running, let events = (try? files.read(folder(of: id) + "/events.jsonl")) ?? nil else {
      return record
    }
    return try record.folding(events)
  }

  /// What is wrong with the records that cannot be read, one warning each: questions over many runs leave them out.
  package func unreadable() throws -> [Diagnostic] {
    // Without an index every record is looked at.
    let known = (try? refreshed { try $0.finishedRuns() }) ?? []
    return try identifiers().filter { !known.contains($0) }.flatMap { id -> [Diagnostic] in
      do {
        _ = try record(of: id)
        return []
      } catch {
        return diagnostics(of: error).map { $0.asWarning() }
      }
    }
  }

  /// Asks the index after bringing it up to date; an index that fails is thrown away and made again.
  private func refreshed<Answer>(_ ask: (RunIndex) throws -> Answer) throws -> Answer {
    do {
      try update()
      return try ask(index)
    } catch {
      guard try files.status(folder) != nil else { throw error }
      index.discard(files)
      try update()
      return try ask(index)
    }
  }

  private func update() throws {
    guard try files.status(folder) != nil else { return }
    let known = try index.finishedRuns()
    for id in try identifiers() where !known.contains(id) {
      // One that cannot be read is in no answer, and named by `unreadable()`.
      if let record = try? record(of: id) { try index.insert(record) }
    }
  }
}

/// A run that is not in the history.
package struct UnknownRun: Error, Sendable {
  package var name: String
  /// Several runs that the name could mean.
  package var matching: [String]
  package var isEmpty: Bool
}

extension UnknownRun: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    if !matching.isEmpty {
      return [
        Diagnostic(
          code: "ambiguous-run", "`\(name)` could mean several runs", reason: "[\(matching.joined(separator: ", "))]")
      ]
    }
    if isEmpty {
      return [
        Diagnostic(
          code: "unknown-run", "There is no run `\(name)`", reason: "nothing has run in this folder yet",
          advice: "start one with `anneal run FILE`")
      ]
    }
    return [Diagnostic(code: "unknown-run", "There is no run `\(name)`", advice: "see `anneal runs`")]
  }
}
