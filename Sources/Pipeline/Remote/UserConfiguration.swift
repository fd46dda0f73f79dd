import Diagnostics
import Glibc

/// What a user says once for all pipelines: `$XDG_CONFIG_HOME/anneal/config.yaml`, else `~/.config/anneal/config.yaml`.
package struct UserConfiguration: Sendable {
  static let keys = ["cache", "trusted_keys", "signing_key"]

  package var caches: [LocatedCache] = []
  /// Whose results are believed, of every cache that does not say so itself; everybody's where it is nil.
  package var trustedKeys: [TrustedKey]?
  /// The file with the key that signs what is put into every cache that does not say so itself.
  package var signingKey: CachePath?

  /// The file's path; nil where the environment names no home.
  package static var path: String? {
    func folder(_ name: String) -> String? {
      guard let value = getenv(name), value.pointee == UInt8(ascii: "/") else { return nil }
      return String(cString: value)
    }
    let place = folder("XDG_CONFIG_HOME") ?? folder("HOME").map { $0 + "/.config" }
    return place.map { $0 + "/anneal/config.yaml" }
  }

  /// Reads the user's file; nothing is said where there is none.
  ///
  /// - Throws: `DiagnosticList` with all that is wrong with it, ``SystemError``.
  package static func load() throws -> UserConfiguration {
    guard let path, let bytes = try FileSystem().read(path, limit: YAMLReader.sizeLimit) else {
      return UserConfiguration()
    }
    return try UserConfiguration(bytes: bytes, file: path)
  }

  /// - Parameter file: Its path, also the start of relative ones in it.
  package init(bytes: [UInt8], file: String) throws {
    guard let tree = try YAMLReader.read(SourceText(file: file, bytes: bytes)), !tree.isNull else { return }
    var problems: [Diagnostic] = []
    guard case .map(let pairs) = tree.content else {
      throw DiagnosticList([
        LanguageProblem.wantsMap(found: tree.kindWords, names: Self.keys).diagnostic(at: tree.mark)
      ])
    }
    for pair in pairs {
      switch pair.key.text {
      case "cache": caches = LocatedCache.read(pair.value, path: "cache", problems: &problems)
      case "trusted_keys": trustedKeys = Self.value(pair, &problems)
      case "signing_key": signingKey = Self.value(pair, &problems)
      default:
        problems.append(
          LanguageProblem.unknownSetting(pair.key.text, among: Self.keys).diagnostic(
            at: pair.key.mark, path: pair.key.text))
      }
    }
    if problems.hasErrors { throw DiagnosticList(problems) }
    let folder = parentFolder(of: file)
    for index in caches.indices { caches[index].settings.anchor(in: folder) }
    signingKey = signingKey?.absolute(in: folder)
  }

  private static func value<Value: FieldValue>(_ pair: LocatedValue.Pair, _ problems: inout [Diagnostic]) -> Value? {
    var decoder = FieldDecoder(path: [pair.key.text])
    defer { problems += decoder.diagnostics }
    return Value.read(pair.value, as: Value.kind, &decoder)
  }

  package init() {}
}

extension CacheSettings {
  /// Makes relative paths start in a folder.
  package mutating func anchor(in base: String) {
    folder = folder?.absolute(in: base)
    ca = ca?.absolute(in: base)
    certificate = certificate?.absolute(in: base)
    key = key?.absolute(in: base)
    signingKey = signingKey?.absolute(in: base)
  }
}
