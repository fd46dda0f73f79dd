import Datasets
import Pipeline
import PreciseJSON

/// Makes the record groups of a dataset file, in parts that are kept by themselves: rows that were read before are found and
/// hashed, and not read again.
///
/// Two kinds of parts: the outline of a chunk of rows says where its records end groups, and a group holds its records' lines. Both
/// are keyed by the bytes of their rows, wherever in whichever file these stand. So appending a row reads the chunk and the
/// group at the end of the file, and an edit those that it is in. Each row is hashed once, and again when it has been read:
/// what is kept under a hash was read from the bytes that were hashed, also when somebody writes to the file meanwhile.
struct DatasetGroups {
  /// How many rows are taken decides no row.
  static let outline = Part.work("outline", ignoring: ["max_rows"])
  static let group = Part.work("group", ignoring: ["max_rows"])

  private struct Row {
    var stretch: RowStretches.Stretch
    var digest: RowDigest
    var number: Int
    /// The record's canonical line, when it was read just now.
    var line: String?
  }

  private let context: NodeContext
  private let output: ArtefactBuilder
  private let bytes: UnsafeRawBufferPointer
  private let shape: FileShape
  private let file: String
  private let reader: RecordReader
  private var grouper = RecordGrouper()
  private var pending: [Row] = []
  private var collector = ProblemCollector()
  private(set) var rows = 0
  private(set) var count = 0
  /// What became of the rows' columns.
  private(set) var tally = ColumnTally()
  /// Rows that were read, not known.
  private(set) var read = 0

  init(
    _ bytes: UnsafeRawBufferPointer, _ shape: FileShape, file: String, reader: RecordReader,
    to output: ArtefactBuilder, in context: NodeContext
  ) {
    self.context = context
    self.output = output
    self.bytes = bytes
    self.shape = shape
    self.file = file
    self.reader = reader
  }

  /// Makes all groups.
  ///
  /// - Throws: ``DatasetErrors`` of all rows that cannot be read, ``DatasetError`` when there is none at all.
  mutating func make(limit: Int) throws {
    var chunks = RowChunker(bytes, shape: shape, limit: limit)
    while let chunk = chunks.next() {
      try context.checkCancellation()
      rows += chunk.rows.count
      do { try add(chunk) } catch let problems as DatasetErrors { collector.add(problems) }
    }
    if rows == 0 { throw DatasetError(.empty, file: file) }
    try collector.throwIfAny()
    try publish()
  }

  private mutating func add(_ chunk: RowChunk) throws {
    let digests = chunk.rows.map { RowDigest($0, in: bytes) }
    var lines: [String] = []
    let part = try context.memo(
      Self.outline, reads: reads(digests), type: ArtefactType("row_outline")
    ) { builder in
      let tally: ColumnTally
      (lines, tally) = try self.lines(of: chunk)
      try check(zip(chunk.rows, digests))
      builder.details["columns"] = tally.moved(by: 1 - chunk.firstRow).json
      let ends = lines.indices.filter { RecordGrouper.marksEnd(lines[$0]) }
      builder.details["ends"] = .array(ends.map { JSON($0) })
    }
    read += lines.count
    guard let ends = part.details["ends"]?.array?.compactMap(\.int),
      let columns = part.details["columns"].flatMap(ColumnTally.init(json:))
    else { throw DatasetError(.damagedGroup(reason: "its outline says nothing"), file: context.nodeName) }
    tally.add(columns.moved(by: chunk.firstRow - 1))
    let marks = Set(ends)
    for (index, stretch) in chunk.rows.enumerated() {
      pending.append(
        Row(
          stretch: stretch, digest: digests[index], number: chunk.firstRow + index,
          line: lines.isEmpty ? nil : lines[index]))
      if grouper.endsGroup(isMarked: marks.contains(index)) { try publish() }
    }
  }

  /// The canonical lines of a chunk's records, and what became of its columns.
  ///
  /// - Throws: ``DatasetErrors`` of all rows that cannot be read.
  private func lines(of chunk: RowChunk) throws -> ([String], ColumnTally) {
    var lines: [String] = []
    var tally = ColumnTally()
    var collector = ProblemCollector()
    for (index, stretch) in chunk.rows.enumerated() {
      try collector.collect {
        lines.append(try line(of: stretch, number: chunk.firstRow + index, tally: &tally))
      }
    }
    try collector.throwIfAny()
    return (lines, tally)
  }

  private func line(of stretch: RowStretches.Stretch, number: Int, tally: inout ColumnTally) throws -> String {
    let row = try RowReader.row(number, stretch, bytes, shape, file: file)
    return try reader.line(row, tally: &tally)
  }

  /// Takes what is pending as a group.
  private mutating func publish() throws {
    let group = pending
    pending = []
    // Of a file with bad rows nothing is kept: groups around them would be others once they are mended.
    guard !group.isEmpty, !collector.hasProblems else { return }
    var again = 0
    let part = try context.memo(
      Self.group, reads: reads(group.map(\.digest)), type: ArtefactType("record_group")
    ) { builder in
      again = group.count { $0.line == nil }
      // The outlines have counted their columns.
      var counted = ColumnTally()
      let lines = try group.map { row in
        try row.line ?? line(of: row.stretch, number: row.number, tally: &counted)
      }
      try check(group.lazy.filter { $0.line == nil }.map { ($0.stretch, $0.digest) })
      try builder.write(GroupFile.bytes(lines: lines), to: Self.member)
    }
    read += again
    try output.include(Self.member, from: part, as: GroupFile.name(count))
    count += 1
  }

  private static let member = "group.jsonl.zst"

  /// - Throws: ``StoreError/changedWhileRead(path:)`` when rows that were read are not those that were hashed.
  private func check(_ rows: some Sequence<(RowStretches.Stretch, RowDigest)>) throws {
    for (stretch, digest) in rows where RowDigest(stretch, in: bytes) != digest {
      throw StoreError.changedWhileRead(path: file)
    }
  }

  /// What decides the records of rows besides the node's fields.
  private func reads(_ rows: [RowDigest]) -> [(name: String, value: CanonicalValue)] {
    [
      ("rows", .text(RowDigest.joined(rows))), ("format", .text(reader.format.rawValue)),
      ("text", .bool(shape == .texts)),
    ]
  }
}
