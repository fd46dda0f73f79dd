import ChatTemplates
import PreciseJSON

/// What a message says of how it is learned, by one of the names that programs use for it.
enum LearningMark {
  /// The members that say what it counts by a number, or that it is learned by `true`.
  private static let weights = ["loss", "weight", "loss_weight"]
  /// The members that say that it is learned by `true` or 1.
  private static let positive = weights + ["train", "train_on_turn", "training"]
  /// The members that say the contrary by `true` or 1.
  private static let negative = ["masked"]

  /// The stretches of the content that count more or less.
  private static let spans = "spans"

  static let names = positive + negative + [spans]

  /// What a message's members say that it counts, 0 where it is not learned; nil when they say nothing.
  ///
  /// - Throws: ``DatasetError`` when two of them disagree, or one says something else.
  static func read(_ message: JSONObject, _ row: SourceRow, field: String) throws -> Double? {
    var found: (name: String, weight: Double)?
    for name in positive + negative {
      guard let value = message[name], !value.isNull else { continue }
      let place = "\(field).\(name)"
      let weight: Double
      switch (value.bool, value.double) {
      case (let bool?, _): weight = bool ? 1 : 0
      case (nil, let number?):
        guard number == 0 || number == 1 || weights.contains(name) && number > 0 && Float(number).isNormal else {
          throw row.error(.noWeight(value.text(), field: place))
        }
        weight = number
      default: throw row.error(.wrongColumnType(place, expected: "true, false or a number", found: value.kind))
      }
      let says = negative.contains(name) ? 1 - weight : weight
      if let found, found.weight != says {
        throw row.error(.marksDisagree(found.name, name, field: field))
      }
      found = (name, says)
    }
    return found?.weight
  }

  /// The stretches that a message says the weights of.
  ///
  /// - Throws: ``DatasetError`` for what is no list of stretches of the content, which has to be a string.
  static func spans(_ message: JSONObject, of content: JSON?, _ row: SourceRow, field: String) throws -> [WeightedSpan]
  {
    guard let value = message[spans], !value.isNull else { return [] }
    let place = "\(field).\(spans)"
    guard let list = value.array else {
      throw row.error(.wrongColumnType(place, expected: "a list of {start, end, weight}", found: value.kind))
    }
    guard !list.isEmpty else { return [] }
    guard let text = content?.string else {
      throw row.error(
        .wrongColumnType("\(field).content", expected: "a string beside `spans`", found: content?.kind ?? "nothing"))
    }
    let count = text.unicodeScalars.count
    return try list.enumerated().map { index, item in
      guard let start = item["start"]?.int, let end = item["end"]?.int, let weight = item["weight"]?.double else {
        throw row.error(
          .wrongColumnType("\(place)[\(index)]", expected: "{start, end, weight}", found: item.text()))
      }
      guard start >= 0, start < end, end <= count else {
        throw row.error(.spanOutside(start: start, end: end, characters: count, field: "\(place)[\(index)]"))
      }
      guard weight == 0 || weight > 0 && Float(weight).isNormal else {
        throw row.error(.noWeight(item["weight"]?.text() ?? "", field: "\(place)[\(index)].weight"))
      }
      return WeightedSpan(start..<end, weight: weight)
    }
  }
}
