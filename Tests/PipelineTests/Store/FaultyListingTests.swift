import Foundation
import Pipeline
import TestKit
import Testing

/// A folder that cannot be listed to its end is an error that says so, whatever the listing was for.
@Suite(
  .enabled(
    if: toyEngine() != nil && FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"),
    "the program `ToyEngine` was not built, or there is no strace"), .serialized)
struct FaultyListingTests {
  private let pipeline = """
    pipeline: listings
    nodes:
      a: {type: toy_text, text: "one\\ntwo"}
      parts: {type: toy_parts, of: a}
      halves: {type: toy_pair, of: parts, at: 3}
    outputs: [halves]
    """

  @Test func nothingIsPublishedFromHalfAListing() throws {
    let program = try #require(toyEngine())
    let clean = try ToyWorkspace()
    try clean.write(pipeline: pipeline)
    let wanted = try ToyProcess(clean, program: program).end().nodes
    var failures = 0
    for step in 1...12 {
      let workspace = try ToyWorkspace()
      try workspace.write(pipeline: pipeline)
      let faulty = try ToyProcess(
        workspace, program: program,
        prefix: "exec strace -f -qq -o /dev/null -e trace=getdents64 -e inject=getdents64:error=EIO:when=\(step)"
      ).end()
      if faulty.code != 0 {
        failures += 1
        #expect(faulty.output.contains("Cannot list"), "\(step): \(faulty.output)")
      }
      #expect(try workspace.store.verify().isSound)
      let again = try ToyProcess(workspace, program: program).end()
      #expect(again.code == 0)
      #expect(
        again.nodes["halves"]?.split(separator: " ").dropFirst() == wanted["halves"]?.split(separator: " ").dropFirst())
    }
    #expect(failures > 3)
  }
}
