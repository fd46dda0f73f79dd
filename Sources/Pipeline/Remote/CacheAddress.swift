import PreciseJSON

/// The address of an HTTP cache: `http://HOST[:PORT][/PATH]`, or `https://…`.
package struct CacheAddress: Sendable, Hashable {
  /// Why a text is no address of a cache, in words that do not repeat it: there may be a password in it.
  package struct Problem: Error, Sendable, Hashable {
    package var summary: String
    package var reason: String?
    package var advice: String?

    static let ofMatrix = Problem(
      summary: "A cache cannot hang on a param of the matrix", reason: "all members share their caches",
      advice: "Use another param, or write the place")
  }

  /// Without a slash at its end.
  package let text: String
  package let isSecure: Bool
  package let host: String
  package let port: Int

  package init(_ text: String) throws(Problem) {
    guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else {
      throw Problem(
        summary: "The address of a cache has another scheme", reason: "caches speak HTTP",
        advice: "`http://HOST:PORT/PATH` or `https://HOST/PATH`, or the path of a folder")
    }
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else {
      throw Problem(
        summary: "The address of a cache has a user or password in it",
        reason: "it would stand in the shell's history and in records of runs",
        advice:
          "name an environment variable that holds it: `{url: …, basic: $NAME}` in `cache:` of the pipeline file or "
          + "of ~/.config/anneal/config.yaml")
    }
    guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw Problem(
        summary: "The address of a cache has a `?` or `#` in it", reason: "`/ac/…` and `/cas/…` are added to it")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
    else {
      throw Problem(
        summary: "The address of a cache has a character in it that stands in no address", advice: "write it as `%XX`")
    }
    isSecure = scheme == "https://"
    // `[::1]:8080` has colons of its own.
    let hostEnd = authority.lastIndex(of: "]").map(authority.index(after:)) ?? authority.firstIndex(of: ":")
    host = String(authority[..<(hostEnd ?? authority.endIndex)])
    let portText = hostEnd.map { authority[$0...] } ?? ""
    guard !host.isEmpty else { throw Problem(summary: "The address of a cache has no host") }
    if portText.isEmpty {
      port = isSecure ? 443 : 80
    } else {
      guard portText.first == ":", let number = UInt16(portText.dropFirst()), number > 0 else {
        throw Problem(summary: "The port of a cache's address is no number from 1 to 65535")
      }
      port = Int(number)
    }
    var text = text
    while text.hasSuffix("/") { text.removeLast() }
    self.text = text
  }

  /// Where something stands there.
  func place(_ area: RemoteArea, _ digest: Digest) -> String { "\(text)/\(area.rawValue)/\(digest.hex)" }
}

extension CacheAddress: FieldValue {
  static let pattern = #"https?://[^/?#@\s"\\]+(/[^?#\s"\\]*)?"#

  package static var kind: FieldKind { .formed(words: "an address, `http://HOST:PORT/PATH`", pattern: "^\(pattern)$") }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> CacheAddress? {
    guard let scalar = decoder.scalar(value, wanted: "an address") else { return nil }
    do { return try CacheAddress(scalar.text) } catch {
      decoder.report(.badCache(error), value)
      return nil
    }
  }

  package var canonical: CanonicalValue { .text(text) }
  package var json: JSON { JSON(text) }
  package static func read(json: JSON) throws -> CacheAddress {
    try FieldTransportError.require(json.string.flatMap { try? CacheAddress($0) }, "the address of a cache", json)
  }
}
