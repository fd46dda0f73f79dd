import Foundation
import Pipeline
import TestKit
import Testing

/// Rows that were read before are hashed and not read again, and what comes out is what an empty store gives.
struct DatasetGroupTests {
  private static let pipeline = "pipeline: p\nnodes:\n  rows: {type: load_dataset, from: DIR/many.jsonl}\n"

  private static let rows = (0..<9000).map { number in
    #"{"text":"row \#(number) \#(String(repeating: "x", count: number * 7919 % 900))"}"#
  }

  private func digest(_ rows: [String], in workspace: TinyWorkspace) throws -> Digest {
    try workspace.folder.write(rows.joined(separator: "\n") + "\n", to: "many.jsonl")
    return try #require(try workspace.run(Self.pipeline)["rows"]?.result?.digest(of: "rows"))
  }

  /// Rows that the last run read, of all; all of them where its log says nothing of known ones.
  private func read(_ workspace: TinyWorkspace) throws -> Int {
    let log = try String(contentsOfFile: workspace.folder.path("rows.log"), encoding: .utf8)
    let line = try #require(log.split(separator: "\n").last)
    let number = line.firstMatch(of: /; (\d+) rows were read/)?.1 ?? line.firstMatch(of: /^(\d+)/)?.1
    return try #require(number.flatMap { Int($0) })
  }

  @Test func appendedAndEditedRowsAreReadAlone() throws {
    let workspace = try TinyWorkspace()
    _ = try digest(Self.rows, in: workspace)
    #expect(try read(workspace) == 9000)
    var changed = Self.rows + [#"{"text":"one more"}"#]
    for edit in ["", "edited"] {
      if !edit.isEmpty { changed[100] = #"{"text":"\#(edit)"}"# }
      let found = try digest(changed, in: workspace)
      #expect(try read(workspace) < 6500)
      #expect(try digest(changed, in: TinyWorkspace()) == found)
    }
  }
}
