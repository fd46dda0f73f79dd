import Foundation
import TestKit
import Testing

/// A second store takes from a folder what the first one made, with worker processes as people run them.
@Suite(.serialized) struct SharedCacheTests {
  @Test func anotherStoreRunsNothing() throws {
    let project = try Project()
    #expect(try project.anneal("run", "pipeline.yaml", "--cache", "shared").code == 0)
    let expected = try project.digest("sft", "model")
    let other = ["ANNEAL_STORE": project.folder.path("other")]
    let planned = try project.anneal("plan", "pipeline.yaml", "--cache", "ro:shared", environment: other)
    #expect(planned.output.contains("0 to run, 0 perhaps, 0 cached"), "\(planned.output)")
    let run = try project.anneal("run", "pipeline.yaml", "--cache", "ro:shared", environment: other)
    #expect(run.code == 0 && run.messages.contains("sft: fetched from `"), "\(run.messages)")
    #expect(try Set(project.states().values) == ["cached"])
    #expect(try project.digest("sft", "model") == expected)
  }

  @Test(arguments: ["run", "plan"])
  func aFolderToTakeFromMustBeThere(command: String) throws {
    let outcome = try Project().anneal(command, "pipeline.yaml", "--cache", "ro:away")
    #expect(outcome.code == 2)
    #expect(outcome.messages.hasPrefix("error: There is no folder `/"), "\(outcome.messages)")
    #expect(outcome.messages.contains("/away` to take results from"), "\(outcome.messages)")
  }
}
