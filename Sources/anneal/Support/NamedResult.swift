import Diagnostics
import Pipeline

extension Workplace {
  /// The result that somebody means: by the beginning of its key, or as RUN:NODE such as `last:sft`.
  ///
  /// - Returns: Nil for a word that is neither.
  /// - Throws: `Diagnostic` for a run or node that is not there, and for one whose result is gone.
  func result(named word: String) throws -> StoredResult? { try resultByKey(word) ?? resultOfRun(word) }

  /// Nil when it is no beginning of exactly one key.
  private func resultByKey(_ word: String) throws -> StoredResult? {
    guard word.utf8.count >= 6, word.unicodeScalars.allSatisfy({ "0"..."9" ~= $0 || "a"..."f" ~= $0 })
    else { return nil }
    let store = openedStore
    let keys = try store.results().map(\.key).filter { $0.hex.hasPrefix(word) }
    guard keys.count == 1, let key = keys.first, case .found(let result) = try store.result(for: key) else {
      return nil
    }
    return result
  }

  /// Nil for a name without a colon.
  private func resultOfRun(_ word: String) throws -> StoredResult? {
    let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return nil }
    let record = try history.run(parts[0])
    guard let node = record.nodes.first(where: { $0.name == parts[1] }) else {
      throw Diagnostic(
        code: "no-node", "Run \(record.id) has no node `\(parts[1])`",
        advice: nearestName(to: parts[1], among: record.nodes.map(\.name)).map { "`\($0)`" })
    }
    guard let key = node.key, case .found(let result) = try openedStore.result(for: key) else {
      throw Diagnostic(
        code: "no-result", "Nothing of node `\(node.name)` of run \(record.id) is in the store",
        reason: "it is \(node.state.rawValue) there", advice: "run the pipeline again")
    }
    return result
  }
}
