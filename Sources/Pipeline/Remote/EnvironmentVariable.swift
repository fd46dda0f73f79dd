import Glibc
import PreciseJSON

/// The name of an environment variable that holds a secret, written `$NAME`: secrets do not stand in files.
package struct EnvironmentVariable: FieldValue, Hashable {
  package let name: String

  /// Nil for what is not `$NAME`.
  init?(_ text: String) {
    let name = text.dropFirst()
    guard text.first == "$", let first = name.utf8.first, !(0x30...0x39).contains(first),
      name.utf8.allSatisfy({ byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
      })
    else { return nil }
    self.name = String(name)
  }

  /// What it holds; nil where it is not set, or empty.
  var value: String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  package static var kind: FieldKind {
    .formed(words: "an environment variable, `$NAME`", pattern: "^\\$[A-Za-z_][A-Za-z0-9_]*$")
  }

  package static func read(
    _ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder
  ) -> EnvironmentVariable? {
    guard let scalar = decoder.scalar(value, wanted: "an environment variable") else { return nil }
    if let variable = EnvironmentVariable(scalar.text) { return variable }
    decoder.report(.notAVariable(name: decoder.path.last ?? ""), value)
    return nil
  }

  package var canonical: CanonicalValue { .text("$" + name) }
  package var json: JSON { JSON("$" + name) }
  package static func read(json: JSON) throws -> EnvironmentVariable {
    try FieldTransportError.require(json.string.flatMap(EnvironmentVariable.init), "`$NAME`", json)
  }
}

/// Headers whose values environment variables hold: `{X-Team: $TEAM_TOKEN}`.
package struct HeaderVariables: FieldValue, Hashable {
  package struct Header: Sendable, Hashable {
    package var name: String
    package var value: EnvironmentVariable
  }

  package var headers: [Header] = []

  /// What says where a message begins and ends is not the user's to set.
  private static let reserved = ["host", "content-length", "transfer-encoding", "connection", "range", "expect"]

  package static var kind: FieldKind { .map(EnvironmentVariable.kind) }

  package static func read(
    _ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder
  ) -> HeaderVariables? {
    guard case .map(let pairs) = value.content else {
      decoder.report(.wantsFreeMap(found: value.kindWords, example: "{NAME: $VARIABLE}"), value)
      return nil
    }
    var set = HeaderVariables()
    let problems = decoder.errorCount
    for pair in pairs {
      decoder.path.append(pair.key.text)
      defer { decoder.path.removeLast() }
      var place = pair.value
      place.mark = pair.key.mark
      if !isToken(pair.key.text) || reserved.contains(pair.key.text.lowercased()) {
        decoder.report(.badHeader(pair.key.text), place)
      } else if let variable = EnvironmentVariable.read(pair.value, as: .text, &decoder) {
        set.headers.append(Header(name: pair.key.text, value: variable))
      }
    }
    return decoder.errorCount == problems ? set : nil
  }

  /// What HTTP takes for the name of a header.
  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  package var isAbsent: Bool { headers.isEmpty }
  package var canonical: CanonicalValue {
    .map(Dictionary(headers.map { ($0.name, $0.value.canonical) }) { first, _ in first })
  }
  package var json: JSON { JSON(headers.map { (key: $0.name, value: $0.value.json) }) }
  package static func read(json: JSON) throws -> HeaderVariables {
    let object = try FieldTransportError.require(json.object, "a map", json)
    return HeaderVariables(
      headers: try object.members.map { Header(name: $0.key, value: try EnvironmentVariable.read(json: $0.value)) })
  }
}
