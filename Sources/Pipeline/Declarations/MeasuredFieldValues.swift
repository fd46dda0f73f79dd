import PreciseJSON

/// A length of time: `90` (seconds), `90s`, `15m`, `2h`, `1d`.
package struct Seconds: FieldValue, Hashable {
  package var value: Double

  package init(_ value: Double) { self.value = value }

  package static var kind: FieldKind { .duration }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Seconds? {
    guard let scalar = decoder.scalar(value, wanted: "a time") else { return nil }
    let units: [(suffix: String, factor: Double)] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
    guard let amount = measure(scalar.text, units), amount > 0 else {
      decoder.report(.notATime(scalar.text), value)
      return nil
    }
    return Seconds(amount)
  }

  package var canonical: CanonicalValue { .number(value) }
  package var json: JSON { JSON(value) }
  package static func read(json: JSON) throws -> Seconds { Seconds(try Double.read(json: json)) }
}

/// An amount of memory: `512MB` (10^6), `8GiB` (2^30), or a plain count of bytes.
package struct ByteCount: FieldValue, Hashable {
  package var value: Int

  package init(_ value: Int) { self.value = value }

  package static var kind: FieldKind { .byteCount }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> ByteCount? {
    guard let scalar = decoder.scalar(value, wanted: "an amount of memory") else { return nil }
    if let count = ByteCount(text: scalar.text) { return count }
    decoder.report(.notMemory(scalar.text), value)
    return nil
  }

  /// Nil for what is no amount above 0.
  package init?(text: String) {
    let units: [(suffix: String, factor: Double)] = [
      ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
      ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
    ]
    guard let amount = measure(text, units), let bytes = Int(exactly: amount.rounded()), bytes > 0 else { return nil }
    value = bytes
  }

  package var canonical: CanonicalValue { .integer(value) }
  package var json: JSON { JSON(value) }
  package static func read(json: JSON) throws -> ByteCount { ByteCount(try Int.read(json: json)) }
}

/// A number with an optional unit behind it.
private func measure(_ text: String, _ units: [(suffix: String, factor: Double)]) -> Double? {
  let unit = units.first { text.hasSuffix($0.suffix) }
  var digits = Substring(text)
  if let unit { digits = digits.dropLast(unit.suffix.count) }
  while digits.last == " " { digits.removeLast() }
  let scalar = LocatedValue.Scalar(text: String(digits), isPlain: true)
  guard case .success(let number) = CoreScalar.number(scalar) else { return nil }
  return number * (unit?.factor ?? 1)
}
