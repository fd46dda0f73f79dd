import Diagnostics
import FineTuningNodes
import Glibc
import Pipeline
import PreciseJSON

/// Makes results of the store again, by the records of this project's runs, and compares them byte for byte.
struct CacheRerun {
  /// A node that is made again.
  private struct Candidate {
    var record: RunRecord
    var node: RunRecord.Node
    var key: Digest
  }

  let workplace: Workplace
  let store: Store

  /// What became of each: a row a node.
  struct Outcome {
    var comparison: ReproduceCommand.Comparison?
    var node: String
    var run: String
    var problem: String?

    var isDifferent: Bool { comparison.map { !$0.isSame } ?? false }
    var words: String { problem.map { "not compared: \($0)" } ?? comparison?.words ?? "" }
  }

  /// Runs up to `count` nodes again, of different types as far as there are such, the newest first.
  ///
  /// What they are made from comes out of the store; what they make goes into one that is thrown away.
  func callAsFunction(_ count: Int, _ cancellation: Cancellation) throws -> [Outcome] {
    let folder = try ReproduceCommand.freshFolder(in: workplace.project + "/.anneal")
    defer { try? FileSystem().removeTree(folder) }
    let inputs = RemoteCaches([FolderRemote(name: "the store", path: store.path, isWritable: false)])
    let here = JSON(try MachineFacts.decisive())
    return try candidates(count).map { candidate in
      var outcome = Outcome(node: candidate.node.name, run: candidate.record.id)
      for fact in ["version", "kernels"] where candidate.record.environment[fact] != here[fact] {
        outcome.problem = "made with another `\(fact)`, whose bytes may be others"
        return outcome
      }
      do {
        let recorded = try RecordedPipeline(candidate.record, workplace.history)
        let pipeline = try recorded.resolve(store.sources)
        if let changed = recorded.changedSources(pipeline).first {
          outcome.problem = changed.summary
          return outcome
        }
        var options = RunOptions()
        options.targets = [candidate.node.name]
        options.forced = [candidate.node.name]
        let scheduler = Scheduler(
          store: Store(path: folder), check: fineTuningChecks, remotes: inputs,
          sinks: [PlainSink { Terminal.say($0) }], logPath: { "\(folder)/logs-\($0)" })
        let summary = try scheduler.run(
          pipeline, id: RunHistory.newIdentifier(), project: workplace.project, options: options,
          cancellation: cancellation)
        outcome.comparison = summary[candidate.node.name].map { .init($0, candidate.node) }
      } catch { outcome.problem = diagnostics(of: error).first?.summary }
      return outcome
    }
  }

  private func candidates(_ count: Int) throws -> [Candidate] {
    var found: [Candidate] = []
    var keys: Set<Digest> = []
    for record in try workplace.history.runs() {
      for node in record.nodes where !node.outputs.isEmpty {
        guard let key = node.key, keys.insert(key).inserted, case .found = try store.result(for: key) else { continue }
        found.append(Candidate(record: record, node: node, key: key))
      }
    }
    var chosen: [Candidate] = []
    while chosen.count < count, !found.isEmpty {
      // Of the types that are chosen the least, the first.
      let fewest = found.map { one in chosen.count { $0.node.type == one.node.type } }
      guard let index = fewest.indices.min(by: { fewest[$0] < fewest[$1] }) else { break }
      chosen.append(found.remove(at: index))
    }
    return chosen
  }
}
