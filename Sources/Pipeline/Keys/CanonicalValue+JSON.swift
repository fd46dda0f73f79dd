import PreciseJSON

extension CanonicalValue {
  /// The value as JSON that reads back as the same value: whole numbers without a point are integers, digests and maps
  /// are objects with one member that says which.
  package var json: JSON {
    switch self {
    case .absent: .null
    case .bool(let value): JSON(value)
    case .integer(let value): JSON(value)
    case .number(let value):
      value.isFinite ? JSON(value == 0 ? 0.0 : value) : ["number": JSON(value > 0 ? "inf" : "-inf")]
    case .text(let text): JSON(text)
    case .digest(let digest): ["sha256": JSON(digest.hex)]
    case .list(let values): .array(values.map(\.json))
    case .map(let members):
      [
        "map": JSON(
          members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
            (key: $0.key, value: $0.value.json)
          })
      ]
    }
  }

  /// - Parameter json: A value written by ``json``, else nil.
  package init?(json: JSON) {
    switch json {
    case .null: self = .absent
    case .bool(let value): self = .bool(value)
    case .number(let number):
      if let value = number.int {
        self = .integer(value)
      } else if number.double.isFinite {
        self = .number(number.double)
      } else {
        return nil
      }
    case .string(let text): self = .text(text)
    case .array(let values):
      let read = values.compactMap { CanonicalValue(json: $0) }
      guard read.count == values.count else { return nil }
      self = .list(read)
    case .object(let object):
      guard object.count == 1 else { return nil }
      if let hex = object["sha256"]?.string, let digest = Digest(hex: hex) {
        self = .digest(digest)
      } else if let text = object["number"]?.string, text == "inf" || text == "-inf" {
        self = .number(text == "inf" ? .infinity : -.infinity)
      } else if let members = object["map"]?.object {
        var map: [String: CanonicalValue] = [:]
        for (key, member) in members.members {
          guard let value = CanonicalValue(json: member) else { return nil }
          map[key] = value
        }
        self = .map(map)
      } else {
        return nil
      }
    }
  }

  /// The value as a person would write it in a pipeline file.
  package var forPeople: String {
    switch self {
    case .absent: "nothing"
    case .bool(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): Self.text(of: value)
    case .text(let text): text
    case .digest(let digest): digest.short
    case .list(let values): "[\(values.map(\.forPeople).joined(separator: ", "))]"
    case .map(let members):
      "{"
        + members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\($0.key): \($0.value.forPeople)" }.joined(separator: ", ") + "}"
    }
  }

  /// The shortest text of a number, whole numbers without `.0`.
  static func text(of value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
  }
}
