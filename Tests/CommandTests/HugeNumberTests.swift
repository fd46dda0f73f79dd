import TestKit
import Testing

/// Numbers far beyond sense are refused where they stand, or computed with; they never end the program.
@Suite(.serialized) struct HugeNumberTests {
  @Test(arguments: [
    "epochs=1e300", "max_steps=9223372036854775807", "max_tokens=9223372036854775807", "batch_size=9223372036854775807",
  ])
  func lengthsBeyondAnyTrainingAreRefused(setting: String) throws {
    let project = try Project(rows: 8)
    if !setting.hasPrefix("batch_size") { try project.edit("epochs: 3, ", "") }
    let outcome = try project.anneal("run", "pipeline.yaml", "--set", "nodes.sft.\(setting)")
    #expect(outcome.code == 2, "\(outcome.messages)")
    #expect(outcome.messages.contains("at most"), "\(outcome.messages)")
  }

  @Test func rewardsBeyondWholeNumbersAreDrawn() throws {
    let project = try Project(rows: 8)
    let rows = (0..<12).map {
      #"{"prompt": "Is \#($0) even?", "chosen": "Look at its last digit.", "rejected": "\#($0)?"}"#
    }
    try project.folder.write(rows.joined(separator: "\n"), to: "pairs.jsonl")
    try project.edit("data.jsonl", "pairs.jsonl")
    try project.edit(", packing: true", "")
    try project.edit("epochs: 3", "stage: dpo, beta: 1e30, max_steps: 4")
    let outcome = try project.anneal("run", "pipeline.yaml", "sft")
    #expect(outcome.code == 0, "\(outcome.messages)")
  }
}
