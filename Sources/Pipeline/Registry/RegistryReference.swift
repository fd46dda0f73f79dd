/// A name in a registry of the Open Container Initiative: `HOST[:PORT]/PATH[:TAG][@sha256:DIGEST]`.
///
/// The grammar is that of the distribution specification (v1.1, "Pulling manifests"), with the host always written.
package struct RegistryReference: Sendable, Hashable {
  /// Why a text is none.
  package struct Problem: Error, Sendable, Hashable {
    package var reason: String
  }

  /// With its port where one is written.
  package let host: String
  package let repository: String
  package let tag: String?
  /// The manifest's, which then is the only one that will do.
  package let digest: Digest?

  private static let digestPrefix = "sha256:"
  private static let longestTag = 128

  package init(_ text: String) throws(Problem) {
    guard !text.contains("://") else { throw Problem(reason: "the name begins with the host, without `https://`") }
    var rest = text[...]
    var digest: Digest?
    if let at = rest.lastIndex(of: "@") {
      let word = rest[rest.index(after: at)...]
      guard word.hasPrefix(Self.digestPrefix),
        let found = Digest(hex: String(word.dropFirst(Self.digestPrefix.count)))
      else { throw Problem(reason: "behind `@` stands `sha256:` and 64 small hexadecimal digits") }
      digest = found
      rest = rest[..<at]
    }
    guard let slash = rest.firstIndex(of: "/"), slash != rest.startIndex else {
      throw Problem(reason: "it has no host before a `/`")
    }
    host = String(rest[..<slash])
    var path = rest[rest.index(after: slash)...]
    var tag: String?
    if let colon = path.firstIndex(of: ":") {
      let word = path[path.index(after: colon)...]
      guard Self.isTag(word) else {
        throw Problem(
          reason: "a tag has up to 128 of the letters A–Z and a–z, digits, `_`, `.` and `-`, the last two not first")
      }
      tag = String(word)
      path = path[..<colon]
    }
    guard Self.isRepository(path) else {
      throw Problem(
        reason: "the path has small letters and digits, with `.`, `_`, `-` or `/` between them")
    }
    guard Self.isHost(host) else { throw Problem(reason: "`\(host)` is no host") }
    self.tag = tag
    self.digest = digest
    repository = String(path)
  }

  /// The name without a digest.
  package var name: String { "\(host)/\(repository)" + (tag.map { ":" + $0 } ?? "") }

  package var text: String { name + (digest.map { "@\(Self.digestPrefix)\($0.hex)" } ?? "") }

  /// What requests for the manifest call it.
  package var manifestName: String { digest.map { Self.digestPrefix + $0.hex } ?? tag ?? "latest" }

  /// Whether the host is this machine, where registries speak HTTP without certificates, as Docker's clients assume.
  package var isLocal: Bool {
    let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } + "]" : host.prefix { $0 != ":" }
    return name == "localhost" || name == "[::1]" || name.hasPrefix("127.")
  }

  private static func isHost(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-.:[]_".utf8.contains(byte)
      }
    }
  }

  private static func isTag(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= longestTag, !".-".utf8.contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "_.-".utf8.contains(byte)
      }
    }
  }

  /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, several with slashes between them.
  private static func isRepository(_ text: Substring) -> Bool {
    let isWord = { (byte: UInt8) in (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
    return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
      guard let first = part.utf8.first, let last = part.utf8.last, isWord(first), isWord(last) else { return false }
      let between = part.utf8.split(whereSeparator: isWord).map { String(decoding: $0, as: UTF8.self) }
      return between.allSatisfy { [".", "_", "__"].contains($0) || $0.allSatisfy { $0 == "-" } }
    }
  }
}
