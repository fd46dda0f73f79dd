import PreciseJSON

/// Values of one kind under names that the user chooses: `{adapter: folder, metrics: metrics}`.
extension Dictionary: FieldValue where Key == String, Value: FieldValue {
  package static var kind: FieldKind { .named(Value.kind) }
  package static var entersKey: Bool { Value.entersKey }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    guard case .named(let element) = kind else { return nil }
    guard case .map(let pairs) = value.content else {
      decoder.report(.wantsFreeMap(found: value.kindWords, example: "{NAME: \(element.example)}"), value)
      return nil
    }
    var read: Self = [:]
    for pair in pairs {
      decoder.path.append(pair.key.text)
      defer { decoder.path.removeLast() }
      if isName(pair.key.text) {
        if let value = Value.read(pair.value, as: element, &decoder) { read[pair.key.text] = value }
      } else {
        var place = pair.value
        place.mark = pair.key.mark
        decoder.report(.badName(kind: "value", name: pair.key.text), place)
      }
    }
    return read.count == pairs.count ? read : nil
  }

  package var canonical: CanonicalValue { .map(mapValues(\.canonical)) }

  /// Each value is an entry of its own, so that what differs is told by its name: `environment.HF_HOME`.
  package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
    if isEmpty { entries.append(KeyPreimage.Entry(label, .map([:]))) }
    for (name, value) in sorted(by: { $0.key < $1.key }) { value.appendKeyEntries("\(label).\(name)", &entries) }
  }

  package var json: JSON { JSON(sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.json) }) }

  package static func read(json: JSON) throws -> Self {
    let object = try FieldTransportError.require(json.object, "a map", json)
    return try Dictionary(object.members.map { ($0.key, try Value.read(json: $0.value)) }) { first, _ in first }
  }
}
