import Datasets
import Testing

private func groups(_ lines: [String]) -> [[String]] {
  var grouper = RecordGrouper()
  var groups: [[String]] = []
  var current: [String] = []
  for line in lines {
    current.append(line)
    guard grouper.endsGroup(isMarked: RecordGrouper.marksEnd(line)) else { continue }
    groups.append(current)
    current = []
  }
  return current.isEmpty ? groups : groups + [current]
}

@Suite struct GroupTests {
  private let lines = (0..<5000).map { "record \($0)" }

  @Test func groupsHoldEveryRecordOnceInOrder() {
    #expect(groups(lines).flatMap { $0 } == lines)
    #expect(groups([]).isEmpty)
  }

  @Test func sizesStayWithinBounds() {
    for group in groups(lines).dropLast() {
      #expect(group.count >= RecordGrouper.minimum && group.count <= RecordGrouper.maximum)
    }
    #expect(groups(lines).count > 3)
  }

  @Test func appendingChangesTheLastGroupAlone() {
    let before = groups(lines)
    let after = groups(lines + (0..<10).map { "new \($0)" })
    #expect(after.starts(with: before.dropLast()))
    #expect(after.filter { !before.contains($0) }.count <= 2)
  }

  @Test func anEditChangesFewGroups() {
    var edited = lines
    edited[2500] = "edited"
    let before = groups(lines)
    #expect(groups(edited).filter { !before.contains($0) }.count <= 3)
  }

  @Test func groupFilesComeBack() throws {
    let bytes = try GroupFile.bytes(lines: ["a", "b\u{2028}c", "é"])
    let lines = try bytes.withUnsafeBytes { try GroupFile.lines($0, file: "g") }
    #expect(lines == ["a", "b\u{2028}c", "é"])
  }
}

@Suite struct SplitTests {
  @Test func shareIsMetAndStable() {
    let split = ValidationSplit(share: 0.1)
    let lines = (0..<20_000).map { "record \($0)" }
    let held = lines.filter { split.holdsOut(RecordHash(line: $0)) }
    #expect((1800...2200).contains(held.count))
    // Golden: a change of the rule would move rows of every user across the split.
    #expect(held.prefix(5).elementsEqual(["record 4", "record 5", "record 8", "record 42", "record 47"]))
  }

  @Test func aLargerShareKeepsWhatWasHeldOut() {
    let small = ValidationSplit(share: 0.05)
    let large = ValidationSplit(share: 0.2)
    for hash in (0..<2000).map({ RecordHash(line: "r\($0)") }) where small.holdsOut(hash) {
      #expect(large.holdsOut(hash))
    }
  }

  @Test func nothingIsHeldOutWithoutAShare() {
    #expect(!(0..<1000).contains { ValidationSplit(share: 0).holdsOut(RecordHash(line: "r\($0)")) })
  }
}
