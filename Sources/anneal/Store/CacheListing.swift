import ArgumentParser
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON

/// `anneal cache ls`: the results in the store.
struct CacheListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists the results in the store.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let results = try workplace.openedStore.results().sorted { $0.used > $1.used }
      if json {
        let list = results.map { result -> JSON in
          [
            "key": JSON(result.key.hex), "type": result.type.map { JSON($0) } ?? .null, "size": JSON(result.size),
            "files": JSON(result.files), "used": JSON(result.used), "pinned": JSON(result.isPinned),
          ]
        }
        Terminal.put(JSON.array(list).text(.pretty))
        return
      }
      if results.isEmpty { return Terminal.say("The store is empty.") }
      let now = Date().timeIntervalSince1970
      Terminal.put(
        table(
          [["key", "node type", "size", "files", "used"]]
            + results.map { result in
              [
                result.key.short, result.type ?? "?", byteCount(result.size), String(result.files),
                duration(max(0, now - result.used)) + " ago" + (result.isPinned ? ", pinned" : ""),
              ]
            }))
    }
  }
}

/// `anneal cache stats`: how much is in the store.
struct CacheStatisticsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "stats", abstract: "Says how much is in the store.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let store = workplace.openedStore
      let found = try store.statistics()
      Terminal.warn(of: found.unseen)
      if json {
        let object: JSON = [
          "path": JSON(store.path), "results": JSON(found.results), "blobs": JSON(found.blobs),
          "size": JSON(found.size), "references": JSON(found.references), "checkpoints": JSON(found.checkpoints),
          "checkpoint_size": JSON(found.checkpointSize), "pins": JSON(found.pins), "runs": JSON(found.runs),
          "temporary_size": JSON(found.temporarySize), "leftovers": JSON(found.leftovers),
          "leftover_size": JSON(found.leftoverSize),
        ]
        Terminal.put(object.text(.pretty))
      } else {
        Terminal.put(
          table([
            ["store", store.path], ["results", String(found.results)],
            ["blobs", "\(found.blobs) (\(byteCount(found.size)))"],
            ["files used in place", String(found.references)],
            ["unfinished work", "\(found.checkpoints) (\(byteCount(found.checkpointSize)))"],
            ["being written", byteCount(found.temporarySize)],
            ["left by killed runs", "\(found.leftovers) (\(byteCount(found.leftoverSize)))"],
          ]))
      }
    }
  }
}
