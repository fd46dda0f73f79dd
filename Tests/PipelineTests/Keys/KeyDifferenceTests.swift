import Pipeline
import Testing

/// What `why` says about two keys.
struct KeyDifferenceTests {
  private func difference(_ node: String, set: [String] = [], sources: ToySources = ToySources()) throws -> [String] {
    let old = try #require(try load(goodPipeline).node(node))
    let new = try #require(try load(goodPipeline, set: set, sources: sources).node(node))
    let digest = { (port: String, index: Int) in Digest(of: Array("\(port)\(index)".utf8)) }
    return new.actionKey(digest).preimage.difference(from: old.actionKey(digest).preimage).map(\.sentence)
  }

  @Test func fields() throws {
    #expect(try difference("sft") == [])
    #expect(
      try difference(
        "sft",
        set: [
          "learning_rate=2e-4", "nodes.sft.schedule.type=linear", "nodes.sft.max_steps=7", "nodes.sft.beta=1",
          "nodes.sft.targets=[q, k]",
        ]) == [
          "Field `beta` is new: 1",
          "Field `learning_rate` changed from 0.0001 to 0.0002",
          "Field `max_steps` changed from nothing to 7",
          "Field `schedule.type` changed from cosine to linear",
          "Field `targets` changed from [all_linear] to [q, k]",
        ])
  }

  @Test func sources() throws {
    var changed = ToySources()
    changed.files["rows.jsonl"] = "other"
    #expect(
      try difference("rows", sources: changed) == [
        "Source `rows` has other content than before (bc51e9e65d79, now d9298a10d1b0)"
      ])
  }

  @Test func inputs() throws {
    #expect(try difference("sft", set: ["nodes.sft.reference=base"]) == ["Input `reference` was connected"])
    let old = KeyPreimage(
      .action, [.init("inputs.data[1]", .digest(Digest(of: [1]))), .init("implementation", 1), .init("type", "a")])
    let new = KeyPreimage(
      .action, [.init("inputs.data[1]", .digest(Digest(of: [2]))), .init("implementation", 2), .init("type", "b")])
    #expect(
      new.difference(from: old).map(\.sentence) == [
        "The node's type changed from `a` to `b`",
        "The node type's implementation version changed from 1 to 2",
        "Input `data` (number 2) is another artefact than before (4bf5122f3445, now dbc1b4c900ff)",
      ])
  }
}
