import Diagnostics
import PreciseJSON

/// A cache as `cache:` of a pipeline file, the user's own configuration or the command line names it.
///
/// Where results are looked for decides none: nothing of it is in a key.
package struct CacheSettings: FieldSet, Hashable {
  /// Whether results are also put there.
  package enum Mode: String, FieldChoice {
    case read
    case readWrite = "read_write"
  }

  package var name: String?
  package var folder: CachePath?
  package var url: CacheAddress?
  package var mode: Mode?
  package var bearer: EnvironmentVariable?
  package var basic: EnvironmentVariable?
  package var headers = HeaderVariables()
  package var ca: CachePath?
  package var certificate: CachePath?
  package var key: CachePath?
  package var trustedKeys: [TrustedKey]?
  package var signingKey: CachePath?

  package init() {}

  /// What stands before a cache that is only read, where one text says it all.
  private static let readOnly = "ro:"

  /// What such a text looks like, for editors.
  static let pattern = "^(ro:)?((?!.*://)(?!ro:$)(?!~(/|$)).+|\(CacheAddress.pattern))$"

  /// A cache as the command line writes it: a folder or an address, only read behind `ro:`.
  package init(_ text: String) throws(CacheAddress.Problem) {
    let isReadOnly = text.hasPrefix(Self.readOnly)
    let place = isReadOnly ? String(text.dropFirst(Self.readOnly.count)) : text
    mode = isReadOnly ? .read : .readWrite
    guard !place.isEmpty else {
      throw CacheAddress.Problem(
        summary: "A cache has no place", advice: "name a folder or an address: `FOLDER`, `http://HOST:PORT/PATH`")
    }
    guard place != "~", !place.hasPrefix("~/") else {
      throw CacheAddress.Problem(
        summary: "The cache would be a folder named `~`", reason: "only shells know `~` as the home folder",
        advice: "Write the whole path")
    }
    // `s3://…` is no folder that anybody means.
    if place.contains("://") { url = try CacheAddress(place) } else { folder = CachePath(text: place) }
  }

  private static let remote = FieldCondition.without("folder", because: "it is for a cache by HTTP")

  package static let fields: [Field<CacheSettings>] = [
    Field("name", \.name, role: .none, doc: "What messages call it; its place unless given"),
    Field("folder", \.folder, role: .none, doc: "The cache's folder"),
    Field(
      "url", \.url, role: .none, required: true, for: .without("folder", because: "a cache stands in one place"),
      doc: "The address of a cache by HTTP, unless it is a `folder`"),
    Field(
      "mode", \.mode, role: .none, required: true,
      doc: "`read` only takes results from there, `read_write` puts new ones there too"),
    Field("bearer", \.bearer, role: .none, for: remote, doc: "The environment variable with a bearer token"),
    Field(
      "basic", \.basic, role: .none, for: remote.and(.without("bearer", because: "one of them says who asks")),
      doc: "The environment variable with `USER:PASSWORD`"),
    Field("headers", \.headers, role: .none, for: remote, doc: "Headers of every request, from environment variables"),
    Field(
      "ca", \.ca, role: .none, for: remote, doc: "A file with the only certificates to trust, instead of the system's"),
    Field("certificate", \.certificate, role: .none, for: remote, doc: "A file with the client's certificate"),
    Field(
      "key", \.key, role: .none, for: remote,
      doc: "A file with the private key of `certificate`; in the same file unless given"),
    Field(
      "trusted_keys", \.trustedKeys, role: .none,
      doc: "Whose results are believed: lines that `anneal cache keygen` printed; everybody's unless given"),
    Field(
      "signing_key", \.signingKey, role: .none, doc: "A file of `anneal cache keygen` that signs what is put there"),
  ]

  /// The cache's place as it was written.
  var place: String { url?.text ?? folder?.text ?? "" }
  package var isWritable: Bool { mode == .readWrite }
}

extension CacheSettings: FieldGroup {
  /// Reads a map, or one text as on the command line.
  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    if case .map = value.content { return map(value, &decoder) }
    guard case .scalar(let scalar) = value.content, !value.isNull, !value.isBroken, !Self.isTruthValue(scalar) else {
      if value.isBroken { decoder.metBrokenValue = true }
      decoder.report(.wantsMap(found: value.kindWords, names: fields.map(\.name)), value)
      return nil
    }
    do { return try CacheSettings(scalar.text) } catch {
      decoder.report(.badCache(error), value)
      return nil
    }
  }

  /// Whether it is `true` or `false`, by which nobody means a folder.
  private static func isTruthValue(_ scalar: LocatedValue.Scalar) -> Bool {
    if case .success = CoreScalar.bool(scalar) { true } else { false }
  }

  private static func map(_ value: LocatedValue, _ decoder: inout FieldDecoder) -> Self? {
    guard let settings = readMap(value, &decoder) else { return nil }
    if settings.key != nil, settings.certificate == nil {
      decoder.report(
        .badCache(
          CacheAddress.Problem(summary: "`key` has no effect without `certificate`", advice: "Name the certificate too")
        ),
        value)
      return nil
    }
    if settings.signingKey != nil, settings.mode == .read {
      decoder.report(
        .badCache(
          CacheAddress.Problem(
            summary: "`signing_key` has no effect with `mode: read`", reason: "nothing is put there",
            advice: "Remove it, or say `mode: read_write`")), value)
      return nil
    }
    if settings.url?.isSecure == false, settings.ca ?? settings.certificate != nil {
      decoder.report(
        .badCache(
          CacheAddress.Problem(
            summary: "`\(settings.ca == nil ? "certificate" : "ca")` has no effect with `http://`",
            reason: "nothing is encrypted there", advice: "Write `https://`")), value)
      return nil
    }
    return settings
  }
}

/// The path of a folder or file that a cache's settings name; what stands there decides no result.
package struct CachePath: FieldValue, Hashable {
  /// As the user wrote it.
  package let text: String

  package static var kind: FieldKind { .path }
  package static var entersKey: Bool { false }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> CachePath? {
    guard let text = decoder.pathText(in: value) else { return nil }
    guard text != "~", !text.hasPrefix("~/") else {
      decoder.report(.homePath(text), value)
      return nil
    }
    return CachePath(text: text)
  }

  /// From the root; one that is not starts in `folder`.
  func absolute(in folder: String) -> CachePath {
    text.hasPrefix("/") ? self : CachePath(text: "\(folder)/\(text)")
  }

  package var canonical: CanonicalValue { .text(text) }
  package var json: JSON { JSON(text) }
  package static func read(json: JSON) throws -> CachePath { CachePath(text: try String.read(json: json)) }
}

/// A cache's settings and where they stand.
package struct LocatedCache: Sendable {
  package var settings: CacheSettings
  /// The place in a file; nil for one of the command line.
  var mark: Mark?

  package init(_ settings: CacheSettings) { self.settings = settings }

  init(_ settings: CacheSettings, at mark: Mark) {
    self.settings = settings
    self.mark = mark
  }

  /// The caches in the value of `cache:`: a list of them, or one.
  static func read(_ value: LocatedValue, path: String, problems: inout [Diagnostic]) -> [LocatedCache] {
    if value.isNull { return [] }
    var decoder = FieldDecoder(path: [path])
    var caches: [LocatedCache] = []
    let items: [LocatedValue] = if case .list(let items) = value.content { items } else { [value] }
    for (index, item) in items.enumerated() {
      if value.isList { decoder.path.append("[\(index)]") }
      if let settings = CacheSettings.read(item, as: CacheSettings.kind, &decoder) {
        caches.append(LocatedCache(settings, at: item.mark))
      }
      if value.isList { decoder.path.removeLast() }
    }
    problems += decoder.diagnostics
    return caches
  }
}
