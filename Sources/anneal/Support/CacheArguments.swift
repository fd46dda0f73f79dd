import ArgumentParser
import Diagnostics
import Pipeline

/// Caches beside the store, which others use too.
struct CacheArguments: ParsableArguments {
  @Option(
    name: .customLong("cache"),
    help: ArgumentHelp(
      "Take results from this folder or HTTP cache, and put new ones there; `ro:` before it only takes. May be repeated: the first one that has a result gives it.",
      valueName: "folder|url"))
  var caches: [String] = []

  @Flag(help: "Leave the caches alone that the pipeline file and ~/.config/anneal/config.yaml name.")
  var noRemote = false

  /// The caches to ask: those of the command line, of the pipeline file and of the user's configuration.
  ///
  /// Credentials that are not there are said, once a command.
  /// - Throws: What is wrong with any of them.
  func remotes(_ pipeline: ResolvedPipeline?, _ workplace: Workplace) throws -> RemoteCaches {
    try choice(pipeline, workplace).remotes
  }

  /// The caches to ask, and who names them how.
  func choice(
    _ pipeline: ResolvedPipeline?, _ workplace: Workplace
  ) throws -> (named: CacheChoice, remotes: RemoteCaches) {
    let arguments = try caches.map { text in
      do { return try CacheSettings(text) } catch let error as CacheAddress.Problem {
        throw Diagnostic(code: "bad-cache", error.summary, path: "--cache", reason: error.reason, advice: error.advice)
      }
    }
    var user = try UserConfiguration.load()
    if noRemote { user.caches = [] }
    var choice = CacheChoice(
      arguments: arguments, pipeline: noRemote ? [] : pipeline?.caches ?? [], user: user, project: workplace.project)
    let remotes = try choice.remotes()
    Terminal.report(choice.warnings)
    return (choice, remotes)
  }
}

extension RemoteCaches {
  /// Says what went wrong with caches: whatever it was, it cost time alone.
  func reportTroubles() {
    Terminal.report(
      troubles.filter { $0.doubts > 0 }.map { trouble in
        let results = trouble.doubts == 1 ? "A result" : "\(trouble.doubts) results"
        return Diagnostic(
          .warning, code: "not-believed",
          "\(results) of the cache `\(trouble.cache)` \(trouble.doubts == 1 ? "is" : "are") not believed",
          reason: trouble.doubt)
      })
    Terminal.report(
      troubles.filter { $0.damages > 0 }.map { trouble in
        let results = trouble.damages == 1 ? "A result" : "\(trouble.damages) results"
        return Diagnostic(
          .warning, code: "damaged-there",
          "\(results) of the cache `\(trouble.cache)` cannot be used", reason: trouble.damage,
          advice:
            "whoever may write there puts them there anew by a run that makes them, or by `anneal cache push FILE`")
      })
    Terminal.report(
      troubles.filter { $0.failures > 0 }.map { trouble in
        let times = trouble.failures == 1 ? "once" : "\(trouble.failures) times"
        return Diagnostic(
          .warning, code: "cache-trouble",
          "The cache `\(trouble.cache)` failed \(times)" + (trouble.isLeftAlone ? ", and was left alone then" : ""),
          reason: trouble.reason)
      })
  }
}
