import Foundation
import Pipeline
import PreciseJSON

/// Secrets that files about a run may hold, and by which names they are known: those stand in their places in what is sent.
///
/// Known are what environment variables hold now that the pipeline's programs inherit (`inherit`) or caches are asked with
/// (`$NAME`), and the values of params and variables with names like `hub_token`.
struct KnownSecrets {
  private struct Secret {
    var value: [UInt8]
    var name: String
  }

  private var secrets: [Secret] = []
  /// Bytes below which a value is too common to be replaced wherever it stands.
  private static let least = 6

  /// - Parameters:
  ///   - pipeline: The pipeline of the run; nil where it cannot be read.
  ///   - parameters: Those of the run's record.
  init(_ pipeline: LocatedValue?, _ parameters: [(name: String, value: String)]) {
    let environment = ProcessInfo.processInfo.environment
    for name in Set((pipeline.map(Self.variables) ?? []) + Self.variablesOfUser) {
      if let value = environment[name] { add(value, as: "$" + name) }
    }
    for (name, value) in parameters + (pipeline.map(Self.settings) ?? []) where Self.isSecret(name) {
      add(value, as: "<\(name)>", isSetting: true)
    }
    // What is a part of another one is replaced after it.
    secrets.sort { $0.value.count > $1.value.count }
  }

  private mutating func add(_ value: String, as name: String, isSetting: Bool = false) {
    // `${param}` and `$NAME` say where the value stands.
    guard !value.isEmpty, !value.hasPrefix("$") else { return }
    // Texts stand in files of JSON as they are written there, and in logs line by line.
    let forms =
      [value, String(JSON(value).text().dropFirst().dropLast())] + value.split(separator: "\n").map(String.init)
    for form in Set(forms) where form.utf8.count >= Self.least {
      secrets.append(Secret(value: Array(form.utf8), name: name))
    }
    guard isSetting, value.utf8.count < Self.least else { return }
    // As a whole value of JSON or YAML.
    for (before, after) in [("\"", "\""), (": ", "\n"), (": ", ","), (": ", "}")] {
      secrets.append(Secret(value: Array("\(before)\(value)\(after)".utf8), name: "\(before)\(name)\(after)"))
    }
  }

  /// A text without the secrets.
  func masked(_ text: String) -> String {
    guard !secrets.isEmpty else { return text }
    var bytes = Array(text.utf8)
    for secret in secrets { bytes = bytes.replacing(secret.value, with: Array(secret.name.utf8)) }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Where they stand

  /// Whether a name is one of a secret: `HF_TOKEN`, `apiKey`, but not `max_tokens`.
  static func isSecret(_ name: String) -> Bool {
    let words = name.replacing(/([a-z0-9])([A-Z])/) { "\($0.1)_\($0.2)" }.lowercased().split { !$0.isLetter }
    return words.contains { word in
      ["token", "key", "keys", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "credentials"]
        .contains { word.hasSuffix($0) }
    }
  }

  /// The environment variables that a pipeline names, other than with their values.
  private static func variables(_ tree: LocatedValue) -> [String] {
    tree.pairs.flatMap { pair -> [String] in
      switch (pair.key.text, pair.value.content) {
      case ("inherit", .list(let names)): names.map(\.text)
      case ("cache", _): scalars(pair.value).filter { $0.hasPrefix("$") }.map { String($0.dropFirst()) }
      default: variables(pair.value)
      }
    }
  }

  /// Those with which the user's own caches are asked.
  private static var variablesOfUser: [String] {
    let caches = (try? UserConfiguration.load())?.caches ?? []
    return caches.flatMap { cache in
      [cache.settings.bearer, cache.settings.basic].compactMap { $0?.name }
        + cache.settings.headers.headers.map(\.value.name)
    }
  }

  private static func scalars(_ value: LocatedValue) -> [String] {
    switch value.content {
    case .scalar(let scalar): [scalar.text]
    case .list(let items): items.flatMap(scalars)
    case .map(let pairs): pairs.flatMap { scalars($0.value) }
    }
  }

  /// Params, and variables that programs are given, with their values.
  private static func settings(_ tree: LocatedValue) -> [(name: String, value: String)] {
    tree.pairs.flatMap { pair -> [(name: String, value: String)] in
      guard ["params", "environment"].contains(pair.key.text) else { return settings(pair.value) }
      return pair.value.pairs.flatMap { setting in scalars(setting.value).map { (setting.key.text, $0) } }
    }
  }
}
