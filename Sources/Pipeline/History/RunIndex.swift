import Foundation
import GRDB
import Synchronization

/// An SQLite database of all runs of a project, for questions that would have to read every record.
///
/// Holds nothing that is not in the records.
final class RunIndex: Sendable {
  private let path: String
  private let queue = Mutex<DatabaseQueue?>(nil)
  /// Raised when the tables change; an index of another version is made again.
  private static let version = 2

  init(path: String) { self.path = path }

  private func database() throws -> DatabaseQueue {
    try queue.withLock { queue in
      if let queue { return queue }
      var configuration = Configuration()
      configuration.busyMode = .timeout(10)
      // It can be made again from the records, so it never waits for the disk.
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
      let opened = try DatabaseQueue(path: path, configuration: configuration)
      try opened.write { try Self.prepare($0) }
      queue = opened
      return opened
    }
  }

  private static func prepare(_ database: Database) throws {
    guard try Int.fetchOne(database, sql: "PRAGMA user_version") != version else { return }
    try database.execute(
      sql: """
        DROP TABLE IF EXISTS run;
        DROP TABLE IF EXISTS node;
        CREATE TABLE run (id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, state TEXT NOT NULL, started REAL NOT NULL,
          purpose TEXT);
        CREATE TABLE node (
          run TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, pipeline TEXT NOT NULL, state TEXT NOT NULL,
          plan_key TEXT, key TEXT, seconds REAL, peak_memory INTEGER, PRIMARY KEY (run, name));
        CREATE INDEX node_by_plan_key ON node (plan_key, state);
        CREATE INDEX node_by_name ON node (pipeline, name);
        PRAGMA user_version = \(version);
        """)
  }

  deinit { Self.close(queue.withLock { $0.take() }) }

  /// Closes a database and keeps the remains of it.
  ///
  /// To be rid of those, Dispatch starts a thread, and where the system gives none it waits for ever.
  private static func close(_ database: DatabaseQueue?) {
    guard let database else { return }
    // Nothing is lost with what could not be closed: the index can be made again.
    try? database.close()
    _ = Unmanaged.passRetained(database)
  }

  /// Closes the database and removes its files.
  func discard(_ files: FileSystem) {
    Self.close(queue.withLock { $0.take() })
    // What cannot be removed cannot be used either, and the records themselves tell.
    for suffix in ["", "-journal", "-wal", "-shm"] { try? files.removeTree(path + suffix) }
  }

  /// The runs whose final state is known here.
  func finishedRuns() throws -> Set<String> {
    try database().read { Set(try String.fetchAll($0, sql: "SELECT id FROM run WHERE state <> 'running'")) }
  }

  func insert(_ record: RunRecord) throws {
    try database().write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?)",
        arguments: [
          // A run that was killed ends in no other way.
          record.id, record.pipeline, record.isAbandoned ? "killed" : record.state.rawValue, record.started,
          record.purpose?.rawValue,
        ])
      for node in record.nodes {
        try database.execute(
          sql: "INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            record.id, node.name, node.type, record.pipeline, node.state.rawValue, node.planKey?.hex, node.key?.hex,
            node.seconds, node.peakMemory,
          ])
      }
    }
  }

  /// - Parameter isWhole: Whether runs for the purposes of other commands are among them.
  func runs(pipeline: String?, limit: Int, isWhole: Bool) throws -> [String] {
    try database().read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT id FROM run WHERE (? IS NULL OR pipeline = ?) AND (? OR purpose IS NULL) ORDER BY id DESC LIMIT ?
          """, arguments: [pipeline, pipeline, isWhole, limit])
    }
  }

  /// By the last run that did the same work, else by the last one in which a node of this name and type ran.
  func expectations(pipeline: String, nodes: [ResolvedNode]) throws -> [String: Expectation] {
    try database().read { database in
      var found: [String: Expectation] = [:]
      // `max(run)` makes SQLite take the other columns from that row.
      let same = try database.cachedStatement(
        sql: """
          SELECT seconds, peak_memory, max(run) FROM node
          WHERE plan_key = ? AND state = 'ran' AND seconds IS NOT NULL
          """)
      let last = try database.cachedStatement(
        sql: """
          SELECT seconds, peak_memory, max(run) FROM node
          WHERE pipeline = ? AND name = ? AND type = ? AND state = 'ran' AND seconds IS NOT NULL
          """)
      for node in nodes {
        // Light nodes share one process: what it took says nothing about one of them.
        func memory(_ row: Row) -> Int? { node.execution == .inProcess ? nil : row[1] }
        if let row = try Row.fetchOne(same, arguments: [node.planKey.hex]), let seconds = row[0] as Double? {
          found[node.name] = Expectation(seconds: seconds, peakMemory: memory(row), basis: .sameWork)
        } else if let row = try Row.fetchOne(last, arguments: [pipeline, node.name, node.type.name]),
          let seconds = row[0] as Double?
        {
          found[node.name] = Expectation(seconds: seconds, peakMemory: memory(row), basis: .sameNode)
        }
      }
      return found
    }
  }

  /// Where keys of the node were recorded last: under its name first, then under other names of the same type.
  func lastKeys(pipeline: String, node: String, type: String) throws -> [(run: String, node: String)] {
    try database().read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT run, name FROM node WHERE pipeline = ? AND type = ? AND key IS NOT NULL
            AND run NOT IN (SELECT id FROM run WHERE purpose IS NOT NULL)
          ORDER BY (name = ?) DESC, run DESC LIMIT 20
          """, arguments: [pipeline, type, node]
      ).map { ($0[0], $0[1]) }
    }
  }
}
