import LanguageServer
import Testing

/// Where a cursor stands, told from the text before it.
@Suite("Where a cursor stands") struct CursorContextTests {
  /// The context at `|`.
  private func context(_ text: String) throws -> CursorContext {
    let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
    let before = parts[0].split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let lines = (parts[0] + parts[1]).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return CursorContext(lines, line: before.count - 1, prefix: try #require(before.last))
  }

  @Test(
    "keys around it, and whether a value is written",
    arguments: [
      ("|", [], false), ("pipeline: a\npar|", [], false), ("pipeline: |", ["pipeline"], true),
      ("nodes:\n  a|", ["nodes"], false), ("nodes:\n  a: {|", ["nodes", "a"], false),
      ("nodes:\n  a: {type: |", ["nodes", "a", "type"], true),
      ("nodes:\n  a: {type: train, ra|}", ["nodes", "a"], false),
      ("nodes:\n  a: {type: train, schedule: {type: |}}", ["nodes", "a", "schedule", "type"], true),
      ("nodes:\n  a:\n    type: train\n    schedule:\n      ty|", ["nodes", "a", "schedule"], false),
      ("nodes:\n  a:\n    schedule: {type: cosine}\n    ra|", ["nodes", "a"], false),
      ("nodes:\n  a:\n    type: train\n    data: |", ["nodes", "a", "data"], true),
      ("nodes:\n  a:\n    type: merge\n\n    # why\n    models:\n      - |", ["nodes", "a", "models"], true),
      ("nodes:\n  a: {models: [b, |", ["nodes", "a", "models"], true),
      ("nodes:\n  a:\n    {type: train,\n     ra|", ["nodes", "a"], false),
      ("nodes:\n  a: {note: \"x: {y\", ra|", ["nodes", "a"], false),
      ("nodes:\n  a: {from: ${base}, ra|", ["nodes", "a"], false), ("outputs: [a, |", ["outputs"], true),
      ("nodes:\n  a: {type: train}\nout|", [], false),
    ] as [(String, [String], Bool)])
  func paths(_ text: String, _ path: [String], _ isValue: Bool) throws {
    let found = try context(text)
    #expect(found.path == path && found.isValue == isValue, "\(found)")
  }

  @Test("what stands in the same map already")
  func siblings() throws {
    #expect(try context("nodes:\n  a: {type: train, rank: 4, |").siblings == ["type": "train", "rank": "4"])
    #expect(try context("nodes:\n  a:\n    type: train\n    s: {type: b}\n    |").siblings["type"] == "train")
  }
}
