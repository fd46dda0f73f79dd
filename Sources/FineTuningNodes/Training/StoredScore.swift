import PreciseJSON
import TensorFiles
import Training

/// What a file of scores holds of a row.
protocol StoredScore {
  /// The name of the file.
  static var member: String { get }
  static func bytes(of scores: [Self]) -> [UInt8]
  /// Nil where the bytes are not what was written.
  static func scores(in bytes: [UInt8], file: String) throws -> [Self]?
}

extension StoredScore {
  /// The scores of a file, as many as there are rows.
  ///
  /// - Throws: ``ReferenceScoresError/damaged(file:)``, `FileError`.
  static func read(_ path: String, count: Int) throws -> [Self] {
    guard let scores = try scores(in: MappedFile(path: path).withBytes { Array($0) }, file: path),
      scores.count == count
    else { throw ReferenceScoresError.damaged(file: path) }
    return scores
  }
}

/// A score that a line of JSON holds.
protocol StoredLine: StoredScore {
  var json: JSON { get }
  init?(json: JSON)
}

extension StoredLine {
  static var member: String { "scores.jsonl" }

  static func bytes(of scores: [Self]) -> [UInt8] {
    Array(scores.map { $0.json.text() + "\n" }.joined().utf8)
  }

  static func scores(in bytes: [UInt8], file: String) throws -> [Self]? {
    let lines = try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
      Self(json: try JSON(parsing: String(line), file: file))
    }
    return lines.contains { $0 == nil } ? nil : lines.compactMap { $0 }
  }
}

/// A row: u32 of numbers, the ids as i32, log q as f32, all little-endian.
extension LikeliestLabels: StoredScore {
  static var member: String { "likeliest.bin" }

  static func bytes(of scores: [LikeliestLabels]) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    for row in scores {
      append(UInt32(row.ids.count))
      for id in row.ids { append(UInt32(bitPattern: id)) }
      for value in row.logProbabilities { append(value.bitPattern) }
    }
    return bytes
  }

  static func scores(in bytes: [UInt8], file: String) -> [LikeliestLabels]? {
    var offset = 0
    func next() -> UInt32 {
      defer { offset += 4 }
      return bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }
    var rows: [LikeliestLabels] = []
    while offset < bytes.count {
      guard offset + 4 <= bytes.count else { return nil }
      let count = Int(next())
      guard count <= (bytes.count - offset) / 8 else { return nil }
      let ids = (0..<count).map { _ in Int32(bitPattern: next()) }
      rows.append(LikeliestLabels(ids: ids, logProbabilities: (0..<count).map { _ in Float(bitPattern: next()) }))
    }
    return rows
  }
}

extension Double: StoredLine {
  var json: JSON { JSON(self) }

  init?(json: JSON) {
    guard let value = json.double else { return nil }
    self = value
  }
}

extension PairLogProbabilities: StoredLine {
  var json: JSON { ["chosen": JSON(chosen), "rejected": JSON(rejected)] }

  init?(json: JSON) {
    guard let chosen = json["chosen"]?.double, let rejected = json["rejected"]?.double else { return nil }
    self.init(chosen: chosen, rejected: rejected)
  }
}
