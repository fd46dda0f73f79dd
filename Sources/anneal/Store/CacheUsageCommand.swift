import ArgumentParser
import Diagnostics
import Pipeline
import PreciseJSON

/// `anneal cache du`: who holds on to how much.
struct CacheUsageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du", abstract: "Says how much of the store the runs of each pipeline hold on to.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let usage = try workplace.openedStore.usage()
      if json {
        Terminal.put(
          JSON.array(
            usage.map { one in
              [
                "pipeline": one.pipeline.map { JSON($0) } ?? .null, "project": one.project.map { JSON($0) } ?? .null,
                "runs": JSON(one.runs), "results": JSON(one.results), "size": JSON(one.size),
                "own_size": JSON(one.ownSize),
              ]
            }
          ).text(.pretty))
        return
      }
      if usage.isEmpty { return Terminal.say("The store is empty.") }
      Terminal.put(
        table(
          [["pipeline", "runs", "results", "size", "its alone", "project"]]
            + usage.map { one in
              [
                one.pipeline ?? "(no run)", String(one.runs), String(one.results), byteCount(one.size),
                byteCount(one.ownSize), one.project ?? "",
              ]
            }))
    }
  }
}
