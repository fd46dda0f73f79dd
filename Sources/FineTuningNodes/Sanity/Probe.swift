import LanguageModels
import PreciseJSON
import TokenShards
import Training

/// A few short sequences that a training leaves with its model, for later stages to compare models on.
package struct Probe: Sendable, Hashable {
  /// A member of model artefacts, beside base and adapter; never exported.
  static let member = "probe.json"

  /// How many sequences, and the most tokens of each.
  private static let count = 4
  private static let length = 128

  /// Token ids, two or more in each.
  package let sequences: [[Int32]]

  var tokenCount: Int { sequences.reduce(0) { $0 + $1.count } }

  /// The beginnings of rows, spread over the whole set; nil when none has two tokens.
  ///
  /// - Throws: What reading rows throws.
  init?(_ rows: TrainingRows) throws {
    let count = min(Self.count, rows.count)
    let found = try (0..<count).compactMap { index -> [Int32]? in
      let ids = try rows.row(index * rows.count / count).sequences.first?.ids.prefix(Self.length)
      return ids.flatMap { $0.count < 2 ? nil : Array($0) }
    }
    guard !found.isEmpty else { return nil }
    sequences = found
  }

  /// Ids from all over a model's vocabulary, for models that no training left rows with.
  package init(for model: ModelConfiguration) {
    let length = min(32, model.maximumPositions)
    sequences = (0..<2).map { row in
      // Steps of the golden ratio come near every id.
      (0..<length).map { column in
        Int32(clamping: (UInt32(row * length + column) &* 0x9E37_79B9) % UInt32(clamping: model.vocabularySize))
      }
    }
  }

  var json: JSON {
    ["sequences": .array(sequences.map { .array($0.map { JSON(Int($0)) }) })]
  }

  init?(json: JSON) {
    let found = (json["sequences"]?.array ?? []).map { row in
      (row.array ?? []).compactMap { $0.int.flatMap { Int32(exactly: $0) } }
    }
    guard !found.isEmpty, found.allSatisfy({ $0.count >= 2 }) else { return nil }
    sequences = found
  }
}
