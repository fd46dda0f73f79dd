import Pipeline
import PreciseJSON
import Testing

/// The encoding that keys are made of.
struct CanonicalValueTests {
  private static let values: [CanonicalValue] = [
    .absent, false, true, 0, 1, -1, .integer(.min), .number(0), .number(1), .number(1e-5), .number(.infinity), "", "0",
    "a", "ab", "e\u{301}", "\u{E9}", .list([]), .list([.absent]), .list(["a", "b"]), .list(["ab"]),
    .list([.list(["a"]), "b"]),
    .map([:]), .map(["a": 1]), .map(["a": 1, "b": 2]), .map(["b": 1]), .list(["a", 1]),
    .digest(Digest(of: [])), .text(Digest(of: []).hex),
  ]

  @Test func distinctValuesHaveDistinctEncodings() {
    #expect(Set(Self.values.map(\.encoding)).count == Self.values.count)
    for a in Self.values {
      for b in Self.values where a != b { #expect(!b.encoding.starts(with: a.encoding)) }
    }
  }

  @Test func encodingIsTagLengthPayload() {
    #expect(CanonicalValue.text("ab").encoding == [4, 2, 0, 0, 0, 0, 0, 0, 0, 0x61, 0x62])
    #expect(CanonicalValue.number(1).encoding == [3, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(CanonicalValue.number(-0.0).encoding == CanonicalValue.number(0).encoding)
    #expect(CanonicalValue.number(1).encoding != CanonicalValue.integer(1).encoding)
  }

  @Test func jsonBringsBackTheSameValue() throws {
    for value in Self.values {
      let text = value.json.text()
      #expect(try CanonicalValue(json: JSON(parsing: text)) == value, "\(text)")
    }
    #expect(CanonicalValue(json: ["sha256": "no digest"]) == nil)
  }
}
