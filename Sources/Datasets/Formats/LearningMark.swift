import PreciseJSON

/// Whether a message says that it is learned, by one of the names that programs use for it.
enum LearningMark {
  /// The members that say so by `true` or 1.
  private static let positive = ["loss", "weight", "loss_weight", "train", "train_on_turn", "training"]
  /// The members that say the contrary by `true` or 1.
  private static let negative = ["masked"]

  static let names = positive + negative

  /// What a message's members say; nil when they say nothing.
  ///
  /// - Throws: ``DatasetError`` when two of them disagree, or one is a weight between 0 and 1.
  static func read(_ message: JSONObject, _ row: SourceRow, field: String) throws -> Bool? {
    var found: (name: String, isLearned: Bool)?
    for name in names {
      guard let value = message[name], !value.isNull else { continue }
      let place = "\(field).\(name)"
      let says: Bool
      switch (value.bool, value.double) {
      case (let bool?, _): says = bool
      case (nil, 0): says = false
      case (nil, 1): says = true
      case (nil, _?): throw row.error(.weightBetween(value.text(), field: place))
      default: throw row.error(.wrongColumnType(place, expected: "true, false, 0 or 1", found: value.kind))
      }
      let isLearned = negative.contains(name) ? !says : says
      if let found, found.isLearned != isLearned {
        throw row.error(.marksDisagree(found.name, name, field: field))
      }
      found = (name, isLearned)
    }
    return found?.isLearned
  }
}
