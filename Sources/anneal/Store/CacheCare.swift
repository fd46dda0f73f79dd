import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal cache verify`: reads every byte of the store.
struct CacheVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Reads every byte of the store and names what is damaged.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Remove what is damaged; it is made again when a run needs it.")
  var repair = false

  @Option(
    help: ArgumentHelp(
      "Instead, make so many results of this project's runs again and compare their bytes.", valueName: "n"))
  var rerun: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let rerun, rerun < 1 { throw ValidationError("`--rerun` must be at least 1.") }
    if rerun != nil, repair { throw ValidationError("`--repair` has no effect with `--rerun`.") }
  }

  func run() throws {
    try reportingProblems(code: 1) {
      if let rerun { return try runAgain(rerun) }
      let found = try workplace.openedStore.verify(repair: repair)
      if json {
        let object: JSON = [
          "sound": JSON(found.isSound), "blobs": JSON(found.blobs), "size": JSON(found.size),
          "references": JSON(found.references), "reference_size": JSON(found.referenceSize),
          "results": JSON(found.results), "corrupt": .array(found.corrupt.map { JSON($0.hex) }),
          "dead": .array(found.dead.map(Self.json)), "void": .array(found.void.map(Self.json)),
          "repaired": JSON(found.isRepaired),
        ]
        Terminal.put(object.text(.pretty))
      } else {
        for line in Self.lines(found) { Terminal.put(line) }
      }
      if !found.isSound, !repair { throw ExitCode(1) }
    }
  }

  private func runAgain(_ count: Int) throws {
    let cancellation = Cancellation()
    let watch = SignalWatch(cancellation)
    defer { withExtendedLifetime(watch) {} }
    watch.tolerate(2)
    let outcomes = try CacheRerun(workplace: workplace, store: workplace.openedStore)(count, cancellation)
    if json {
      let list = outcomes.map { outcome -> JSON in
        [
          "node": JSON(outcome.node), "run": JSON(outcome.run),
          "same": outcome.comparison.map { JSON($0.isSame) } ?? .null,
          "problem": outcome.problem.map { JSON($0) } ?? .null,
        ]
      }
      Terminal.put(JSON.array(list).text(.pretty))
    } else if outcomes.isEmpty {
      Terminal.say("No run of this folder has results in the store.")
    } else {
      Terminal.put(table([["node", "run", "result"]] + outcomes.map { [$0.node, $0.run, $0.words] }))
    }
    if outcomes.contains(where: \.isDifferent) { throw ExitCode(1) }
  }

  private static func lines(_ found: Store.Verification) -> [String] {
    func name(_ finding: Store.Verification.Finding) -> String {
      let type = finding.type.map { " of `\($0)`" } ?? ""
      return "\(finding.isPart ? "part" : "result") \(finding.key.short)\(type)"
    }
    var lines = ["\(found.blobs) blobs (\(byteCount(found.size))) and \(found.results) results read"]
    if found.references > 0 {
      lines.append("\(found.references) files used in place (\(byteCount(found.referenceSize))) read")
    }
    lines += found.corrupt.map { "damaged: blob \($0.short)" }
    lines += found.dead.map { "unusable: \(name($0)): \($0.reason.words)" }
    lines += found.void.map { "removed: \(name($0)): \($0.reason.words)" }
    if found.isSound { return lines + ["nothing is damaged"] }
    lines.append(
      "a result is made again by the next run that needs it"
        + ((found.dead + found.void).contains(where: \.isPart) ? ", a part when its node runs again" : ""))
    lines.append(found.isRepaired ? "what was damaged is removed" : "`--repair` removes what is damaged at once")
    return lines
  }

  private static func json(_ finding: Store.Verification.Finding) -> JSON {
    [
      "key": JSON(finding.key.hex), "type": finding.type.map { JSON($0) } ?? .null, "part": JSON(finding.isPart),
      "reason": JSON(finding.reason.words),
    ]
  }
}

/// `anneal cache gc`: removes what no recent run used.
struct CacheCollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Removes what no recent run of any project used.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Only say what would be removed.")
  var plan = false

  @Option(help: "Runs of each pipeline whose results stay.")
  var keepRuns = 10

  @Option(help: "Seconds for which nothing is removed after it was made or used.")
  var grace = 3600.0

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if keepRuns < 0 || grace < 0 { throw ValidationError("`--keep-runs` and `--grace` must not be negative.") }
  }

  func run() throws {
    try reportingProblems(code: 1) {
      let store = workplace.openedStore
      let collection = GarbageCollection(keptRuns: keepRuns, grace: grace)
      let found = plan ? try collection.mark(store) : try collection.collect(store)
      Terminal.warn(of: found.refused)
      if json {
        let object: JSON = [
          "planned": JSON(plan), "results": JSON(found.results.count), "blobs": JSON(found.blobs.count),
          "leftovers": JSON(found.others.count), "refused": .array(found.refused.map { JSON($0.path) }),
          "size": JSON(found.size), "kept_results": JSON(found.keptResults),
          "kept_blobs": JSON(found.keptBlobs),
        ]
        Terminal.put(object.text(.pretty))
      } else {
        Terminal.put(
          "\(plan ? "would remove" : "removed") \(found.results.count) results, \(found.blobs.count) blobs and "
            + "\(found.others.count) leftovers (\(byteCount(found.size))); \(found.keptResults) results stay")
      }
    }
  }
}
