import PreciseJSON
import Testing

@Suite("JSON keeps what the text said")
struct JSONFidelityTests {
  @Test(
    "numbers keep their text",
    arguments: [
      "1e-5", "1.0", "1", "-0", "12345678901234567890", "0.1000", "1E+2", "3.141592653589793238462643",
    ])
  func numbers(text: String) throws {
    #expect(try JSON(parsing: text).text() == text)
  }

  @Test("numbers are read as what they are")
  func numberValues() throws {
    let values = try JSON(parsing: "[3, 3.0, -7, 1e2, 9223372036854775807, 9223372036854775808, 1e400]").array ?? []
    #expect(values.map(\.int) == [3, nil, -7, nil, .max, nil, nil])
    #expect(values.map(\.double) == [3, 3, -7, 100, 9.223372036854775807e18, 9.223372036854775808e18, .infinity])
  }

  @Test(
    "doubles are written so that they read back, with a fraction or an exponent",
    arguments: [
      (1.0, "1.0"), (-0.5, "-0.5"), (1e-7, "1e-07"), (1e300, "1e+300"), (0.1, "0.1"), (1e15, "1000000000000000.0"),
      (1e16, "1e+16"),
      (123_456_789.0, "123456789.0"), (-0.0, "-0.0"),
    ] as [(Double, String)])
  func doubles(value: Double, text: String) throws {
    #expect(JSON(value).text() == text)
    #expect(try JSON(parsing: text).double?.bitPattern == value.bitPattern)
  }

  @Test("what is no finite number is null")
  func notFinite() {
    #expect(JSON(Double.nan).text() == "null")
    #expect(JSON(-Double.infinity).text() == "null")
  }

  @Test("keys that differ in normalisation are two")
  func normalisation() throws {
    let value = try JSON(parsing: "{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    #expect(value["\u{E9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(value.object?.count == 2)
    #expect(JSON("\u{E9}") != JSON("e\u{301}"))
    #expect(value.text() == "{\"\u{E9}\":1,\"e\u{301}\":2}")
  }

  @Test("members keep their order, in an object of many too")
  func order() throws {
    let keys = (0..<100).map { "k\(($0 * 37) % 100)" }
    let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    #expect(try JSON(parsing: text).object?.keys == keys)
    #expect(try JSON(parsing: text).text() == text)
    let error = #expect(throws: JSONError.self) { try JSON(parsing: text.dropLast() + ",\"k37\":1}") }
    #expect(error?.problem == .duplicateKey("k37"))
  }

  @Test("members are set, replaced and removed in place")
  func members() throws {
    var object = JSONObject([("a", 1), ("b", 2)])
    object["b"] = 3
    object["c"] = 4
    object["a"] = nil
    #expect(JSON.object(object).text() == "{\"b\":3,\"c\":4}")
  }

  @Test("layouts are Python's")
  func layouts() throws {
    let value = try JSON(parsing: #"{"b": [1, {}], "a": "é\u0001\"\\\u007f", "c": []}"#)
    #expect(value.text(.compact) == "{\"b\":[1,{}],\"a\":\"é\\u0001\\\"\\\\\u{7F}\",\"c\":[]}")
    #expect(value.text(.python) == "{\"b\": [1, {}], \"a\": \"é\\u0001\\\"\\\\\u{7F}\", \"c\": []}")
    #expect(
      value.text(.pretty) == """
        {
          "b": [
            1,
            {}
          ],
          "a": "é\\u0001\\"\\\\\u{7F}",
          "c": []
        }
        """)
    #expect(value.text(JSONLayout(sortedKeys: true)).hasPrefix("{\"a\":"))
    #expect(JSON("é👩").text(JSONLayout(escapesNonASCII: true)) == "\"\\u00e9\\ud83d\\udc69\"")
  }
}
