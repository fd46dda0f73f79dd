import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Bits that flip below the file system: no stamp shows it, and the store believes that it has read the blob before.
@Suite struct RotTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private func text(_ separator: String) -> String {
    """
    pipeline: rot
    nodes:
      a: {type: toy_text, text: precious, count_in: COUNT}
      b: {type: toy_join, parts: [a, a], separator: "\(separator)", count_in: COUNT}
      parts: {type: toy_parts, of: b, count_in: COUNT}
    outputs: [parts]
    """
  }

  @Test(arguments: [false, true])
  func whoReadsABlobFindsItAndItsProducerRunsAgain(inWorker: Bool) throws {
    let worker = inWorker ? toyEngine().map { [$0, "worker"] } : nil
    let heavy = "\n  heavy: {type: toy_heavy, of: a, count_in: COUNT}\noutputs: [heavy]"
    try workspace.run(text("-"))
    try workspace.rot(workspace.blob(of: "precious"))
    // Nobody needs it: nothing is read, nothing runs.
    _ = try workspace.executed()
    try workspace.run(text("-"), store: workspace.reopened())
    #expect(try workspace.executed() == [])
    let events = EventCollector()
    let changed = inWorker ? text("-").replacing("\noutputs: [parts]", with: heavy) : text("+")
    let summary = try workspace.run(changed, store: workspace.reopened(), worker: worker, sinks: [events])
    #expect(summary.state == .done)
    #expect(try workspace.executed().first { $0 == "a" } == "a")
    #expect(events.events.contains { if case .healing("a", _) = $0 { true } else { false } })
    #expect(summary["a"]?.state == .ran)
    #expect(try workspace.reopened().verify().isSound)
    if !inWorker { #expect(try workspace.text(summary, "b", store: workspace.reopened()) == "precious+precious") }
  }

  @Test func verifyTakesAwayWhatMayHaveBeenMadeFromIt() throws {
    let first = try workspace.run(text("-"))
    _ = try workspace.executed()
    try workspace.rot(workspace.blob(of: "precious"))
    let found = try workspace.reopened().verify()
    #expect(found.corrupt == [Digest(of: "precious".utf8)])
    #expect(found.dead.map(\.type) == ["toy_text"])
    #expect(found.void.map(\.type) == ["toy_join"])
    #expect(found.void.map(\.key) == [first["b"]?.key])
    #expect(
      found.void.first?.reason.words
        == "it may have been made from the damaged blob `\(Digest(of: "precious".utf8).short)`")
    let summary = try workspace.run(text("-"), store: workspace.reopened())
    // What comes out of `b` is as before, so nothing below it runs.
    #expect(try workspace.executed().sorted() == ["a", "b"])
    #expect(summary["parts"]?.state == .cached)
    #expect(try workspace.reopened().verify().isSound)
  }

  @Test func verifySaysOfPartsWhatIsTrue() throws {
    try workspace.run(text("-"))
    // The text of the only part is the text of the whole, so the part's own preimage is damaged in its place.
    let part = try #require(try workspace.store.results().first { $0.type == "toy_parts/line" })
    let entry = workspace.store.resultPlace(part.key)
    try flipBit(in: entry, at: 40)
    let found = try workspace.reopened().verify()
    #expect(found.dead.map(\.key) == [part.key])
    // No run makes it again as long as the node is cached.
    _ = try workspace.executed()
    try workspace.run(text("-"), store: workspace.reopened())
    #expect(try workspace.executed() == [])
    #expect(try workspace.reopened().verify().dead.count == 1)
    #expect(try workspace.reopened().verify(repair: true).isRepaired)
    #expect(try workspace.reopened().verify().isSound)
  }

  private func reference(_ separator: String) -> String {
    """
    pipeline: reference
    nodes:
      model: {type: toy_reference, from: DIR/model.bin, count_in: COUNT}
      use: {type: toy_join, parts: [model, model], separator: "\(separator)", count_in: COUNT}
    outputs: [use]
    """
  }

  /// A file used in place that rotted after a run.
  private func rottenReference() throws {
    let path = try workspace.folder.write("weights of a model", to: "model.bin")
    try workspace.run(reference("-"))
    Thread.sleep(forTimeInterval: 0.1)
    #expect(try workspace.run(reference("-"), store: workspace.reopened()).names(.cached).count == 2)
    try workspace.rot(path, at: 3)
  }

  @Test func nothingIsMadeFromAFileThatRottedInPlace() throws {
    try rottenReference()
    // Its producer finds that the file is not what the key says.
    let summary = try workspace.run(reference("+"), store: workspace.reopened())
    #expect(summary.state == .failed)
    #expect(summary["model"]?.problems.first?.code == "source-changed")
  }

  @Test func verifyReadsFilesThatAreUsedInPlace() throws {
    try rottenReference()
    let found = try workspace.reopened().verify()
    #expect(found.references == 1)
    #expect(found.corrupt == [Digest(of: "weights of a model".utf8)])
    #expect(found.void.map(\.type) == ["toy_join"])
  }
}
