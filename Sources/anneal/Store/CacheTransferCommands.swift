import ArgumentParser
import Diagnostics
import Glibc
import Pipeline

/// `anneal cache push`: puts what a pipeline's results are into caches, without running anything.
struct CachePushCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "Puts the results of a pipeline that are in the store into caches.")

  @OptionGroup var transfer: TransferArguments

  func run() throws {
    try transfer.perform { store, remotes, node, key in
      guard case .found(let result) = try store.result(for: key) else { return .missing }
      switch remotes.share(result, of: store) {
      case .shared: return .moved(byteCount(result.outputs.values.reduce(0) { $0 + $1.size }))
      case .failed(let problems): return .failed(problems.joined(separator: "; "))
      }
    }
  }
}

/// `anneal cache pull`: brings what caches have of a pipeline's results into the store, without running anything.
struct CachePullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Brings the results of a pipeline that caches have into the store.")

  @OptionGroup var transfer: TransferArguments

  func run() throws {
    try transfer.perform { store, remotes, node, key in
      if case .found = try store.result(for: key) { return .there }
      var words: [String] = []
      guard let (result, cache) = try remotes.fetch(key, into: store, tell: { words.append($0) }) else {
        return words.isEmpty ? .missing : .failed(words.joined(separator: "; "))
      }
      return .moved("\(byteCount(result.outputs.values.reduce(0) { $0 + $1.size })) from `\(cache)`")
    }
  }
}

/// A pipeline whose results are moved between the store and caches.
struct TransferArguments: ParsableArguments {
  /// What became of one node's result.
  enum Outcome {
    case moved(String)
    /// It is where it is to go.
    case there
    /// Nobody has it.
    case missing
    /// Whether it holds can be told here alone.
    case kept
    case failed(String)

    var words: String {
      switch self {
      case .moved(let words): words
      case .there: "in the store already"
      case .missing: "not there"
      case .kept: "stays here: others cannot tell whether it holds"
      case .failed(let reason): "failed: \(reason)"
      }
    }
  }

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace
  @OptionGroup var caches: CacheArguments

  @Argument(help: "Nodes whose results are meant, with what they are made from; all outputs when none is named.")
  var targets: [String] = []

  func perform(_ move: (Store, RemoteCaches, Plan.Node, Digest) throws -> Outcome) throws {
    var hasFailed = false
    try reportingProblems {
      let (resolved, targets) = try pipeline.load(workplace, words: targets)
      let remotes = try caches.remotes(resolved, workplace)
      guard !remotes.caches.isEmpty else {
        throw Diagnostic(
          code: "no-cache", "There is no cache to ask",
          reason: "neither the command line, the pipeline file nor ~/.config/anneal/config.yaml names one",
          advice: "`--cache FOLDER` or `--cache URL`")
      }
      let store = workplace.openedStore
      let plan = try Planner(store: store, remotes: remotes).plan(resolved, targets: targets)
      var rows = [["node", "result"]]
      var unknown: [String] = []
      let local = Set(resolved.nodes.filter(\.isLocal).map(\.name))
      for node in plan.nodes {
        if local.contains(node.name) {
          rows.append([node.name, Outcome.kept.words])
          continue
        }
        guard let key = node.actionKey else {
          unknown.append("`\(node.name)`")
          continue
        }
        let outcome = try move(store, remotes, node, key)
        if case .failed = outcome { hasFailed = true }
        rows.append([node.name, outcome.words])
      }
      Terminal.put(table(rows))
      if !unknown.isEmpty {
        Terminal.say(
          "\(unknown.joined(separator: ", ")): not known before what \(unknown.count == 1 ? "it is" : "they are") made from is"
        )
      }
      remotes.reportTroubles()
    }
    if hasFailed { throw ExitCode(1) }
  }
}
