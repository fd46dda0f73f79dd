import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

@Suite struct CollectionTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private func pipeline(_ text: String) -> String {
    "pipeline: p\nnodes:\n  a: {type: toy_text, text: \(text), count_in: COUNT}\n"
      + "  b: {type: toy_join, parts: [a, a], count_in: COUNT}\noutputs: [b]\n"
  }

  @Test func keepsWhatTheLastRunsUsed() throws {
    for text in ["one", "two", "three"] { try workspace.run(pipeline(text)) }
    _ = try workspace.executed()
    Thread.sleep(forTimeInterval: 0.05)
    let collection = GarbageCollection(keptRuns: 2, grace: 0)
    let planned = try collection.mark(workspace.store)
    #expect(planned.results.count == 2)
    // Two texts, two manifests, two preimages.
    #expect(planned.blobs.count == 6)
    let before = try workspace.store.statistics()
    let removed = try collection.collect(workspace.store)
    #expect(removed.results.count == 2)
    #expect(removed.blobs.count == 6)
    let after = try workspace.store.statistics()
    #expect(before.size - after.size == removed.blobs.reduce(0) { $0 + $1.size })
    #expect(try workspace.store.verify().isSound)
    for text in ["three", "two"] { try workspace.run(pipeline(text), store: workspace.reopened()) }
    #expect(try workspace.executed() == [])
    try workspace.run(pipeline("one"), store: workspace.reopened())
    #expect(try workspace.executed() == ["a", "b"])
  }

  @Test func keepsWhatIsYoung() throws {
    for text in ["one", "two"] { try workspace.run(pipeline(text)) }
    let removed = try GarbageCollection(keptRuns: 1, grace: 3600).collect(workspace.store)
    #expect(removed.results.isEmpty && removed.blobs.isEmpty && removed.others.isEmpty)
  }

  @Test func keepsWhatIsPinned() throws {
    let first = try workspace.run(pipeline("one"))
    try workspace.run(pipeline("two"))
    let key = try #require(first["a"]?.key)
    try workspace.store.pin(key)
    Thread.sleep(forTimeInterval: 0.05)
    let removed = try GarbageCollection(keptRuns: 1, grace: 0).collect(workspace.store)
    #expect(removed.results.count == 1)
    #expect(try workspace.store.results().first { $0.key == key }?.isPinned == true)
  }

  /// A run whose process lives, and holds what it used, keeps it however many came after it; runs of `blame` push out
  /// no ordinary ones.
  @Test func keepsWhatIsInUseAndCountsExperimentsApart() throws {
    func run(_ text: String, _ purpose: RunPurpose? = nil, holds: Bool = false) throws {
      var options = RunOptions()
      options.holdsResults = holds
      _ = try workspace.scheduler().run(
        try workspace.pipeline(pipeline(text)), id: RunHistory.newIdentifier(), project: workspace.folder.path,
        purpose: purpose, options: options)
      Thread.sleep(forTimeInterval: 0.01)
    }
    try run("held", holds: true)
    for text in ["one", "two", "three"] { try run(text) }
    for text in ["x", "y", "z"] { try run(text, .blame) }
    Thread.sleep(forTimeInterval: 0.05)
    let removed = try GarbageCollection(keptRuns: 2, grace: 0).collect(workspace.store)
    #expect(removed.results.count == 4, "`one` and `x`")
    _ = try workspace.executed()
    for text in ["held", "two", "three", "y", "z"] { try run(text) }
    #expect(try workspace.executed() == [])
    #expect(try workspace.store.usage().map(\.runs) == [10], "all but the two that were removed")
    // The note of a process that is gone is one of a run that is over.
    let held = try #require(try FileSystem().names(in: workspace.store.rootsFolder).first)
    let note = "\(workspace.store.rootsFolder)/\(held)"
    let text = try String(contentsOfFile: note, encoding: .utf8)
    try text.replacingOccurrences(of: "-\(getpid())-", with: "-4194999-").write(
      toFile: note, atomically: true, encoding: .utf8)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(try GarbageCollection(keptRuns: 2, grace: 0).mark(workspace.reopened()).others.contains(note))
  }

  @Test func keepsThePartsOfWhatIsKept() throws {
    let text = """
      pipeline: parts
      nodes:
        a: {type: toy_text, text: "one\\ntwo"}
        doubled: {type: toy_parts, of: a, count_in: COUNT}
      outputs: [doubled]
      """
    try workspace.run(text)
    // The second run finds `doubled` and asks for no parts.
    try workspace.run(text)
    Thread.sleep(forTimeInterval: 0.05)
    _ = try GarbageCollection(keptRuns: 1, grace: 0).collect(workspace.store)
    _ = try workspace.executed()
    try workspace.run(text.replacingOccurrences(of: "two\"", with: "two\\nthree\""))
    #expect(try workspace.executed().count == 1)
  }

  @Test func neverBreaksARunItRacesWith() throws {
    let workspace = workspace
    let done = DispatchSemaphore(value: 0)
    let isOver = Cancellation()
    Thread.detachNewThread {
      // No grace at all and nothing kept: the worst that can be done to a run.
      while !isOver.isRequested { _ = try? GarbageCollection(keptRuns: 0, grace: 0).collect(workspace.reopened()) }
      done.signal()
    }
    defer {
      isOver.request()
      done.wait()
    }
    for round in 0..<12 {
      let text = """
        pipeline: raced
        nodes:
          a: {type: toy_text, text: round\(round % 3)}
          b: {type: toy_join, parts: [a, a]}
          c: {type: toy_join, parts: [b, a], pause: 0.02}
          d: {type: toy_head, of: c, letters: 9}
        outputs: [d]
        """
      let summary = try workspace.run(text, store: workspace.reopened())
      // A run may lose its inputs more often than it is willing to make them again; it then fails, and says so.
      if summary.state == .failed {
        let codes = Set(summary.nodes.flatMap(\.problems).map(\.code))
        #expect(
          codes.isSubset(of: ["blob-missing", "missing-source", "missing-file", "unwritten-member"]),
          "\(summary.nodes.flatMap(\.problems))")
      } else {
        #expect(summary["d"]?.result?.outputs["text"]?.members.count == 1)
      }
    }
  }

  @Test func aRunDuringAnOrdinaryCollectionIsNotDisturbed() throws {
    let workspace = workspace
    let done = DispatchSemaphore(value: 0)
    let isOver = Cancellation()
    Thread.detachNewThread {
      while !isOver.isRequested { _ = try? GarbageCollection(keptRuns: 1, grace: 60).collect(workspace.reopened()) }
      done.signal()
    }
    for round in 0..<10 {
      let summary = try workspace.run(pipeline("round\(round)"), store: workspace.reopened())
      #expect(summary.state == .done)
      #expect(summary.names(.ran).count == 2)
    }
    isOver.request()
    done.wait()
  }
}
