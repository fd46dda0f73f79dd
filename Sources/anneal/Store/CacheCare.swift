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

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems(code: 1) {
      let found = try workplace.openedStore.verify(repair: repair)
      if json {
        let object: JSON = [
          "sound": JSON(found.isSound), "blobs": JSON(found.blobs), "size": JSON(found.size),
          "results": JSON(found.results), "corrupt": .array(found.corrupt.map { JSON($0.hex) }),
          "dead": .array(
            found.dead.map { ["key": JSON($0.key.hex), "reason": JSON($0.reason.words)] as JSON }),
          "repaired": JSON(found.isRepaired),
        ]
        Terminal.put(object.text(.pretty))
      } else {
        Terminal.put("\(found.blobs) blobs (\(byteCount(found.size))) and \(found.results) results read")
        for digest in found.corrupt { Terminal.put("damaged: blob \(digest.short)") }
        for (key, reason) in found.dead { Terminal.put("unusable: result \(key.short): \(reason.words)") }
        if found.isSound {
          Terminal.put("nothing is damaged")
        } else {
          Terminal.put(
            repair ? "removed; the next run makes it again" : "the next run makes it again, or `--repair` removes it")
        }
      }
      if !found.isSound, !repair { throw ExitCode(1) }
    }
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
      if json {
        let object: JSON = [
          "planned": JSON(plan), "results": JSON(found.results.count), "blobs": JSON(found.blobs.count),
          "size": JSON(found.size), "kept_results": JSON(found.keptResults), "kept_blobs": JSON(found.keptBlobs),
        ]
        Terminal.put(object.text(.pretty))
      } else {
        Terminal.put(
          "\(plan ? "would remove" : "removed") \(found.results.count) results and \(found.blobs.count) blobs "
            + "(\(byteCount(found.size))); \(found.keptResults) results stay")
      }
    }
  }
}
