import Foundation
import Glibc
import PreciseJSON

/// Who asks a registry, as `docker login`, `podman login` and `oras login` keep it: `$DOCKER_CONFIG/config.json`, else
/// `~/.docker/config.json`; before that `USER:PASSWORD` in `$ANNEAL_REGISTRY_AUTH`.
package struct RegistryCredentials: Sendable, Hashable {
  package static let variable = "ANNEAL_REGISTRY_AUTH"

  /// `USER:PASSWORD` in base 64, as HTTP's basic authentication sends it.
  let encoded: String

  /// - Returns: Nil where nobody is logged in.
  /// - Throws: ``RegistryError/credentials(_:)``.
  package static func find(
    for host: String, files: FileSystem = FileSystem(), variable value: (String) -> String? = Self.environment
  ) throws -> RegistryCredentials? {
    if let secret = value(variable), !secret.isEmpty {
      guard secret.contains(":") else {
        throw RegistryError.credentials("`\(variable)` does not hold `USER:PASSWORD`")
      }
      return RegistryCredentials(encoded: Data(secret.utf8).base64EncodedString())
    }
    let folder = value("DOCKER_CONFIG") ?? value("HOME").map { $0 + "/.docker" }
    guard let path = folder.map({ $0 + "/config.json" }), let bytes = try files.read(path, limit: 1 << 20) else {
      return nil
    }
    guard let json = try? JSON(parsing: bytes, file: path) else {
      throw RegistryError.credentials("`\(path)` is no JSON")
    }
    let encoded = json["auths"]?[host]?["auth"]?.string ?? ""
    if !encoded.isEmpty { return RegistryCredentials(encoded: encoded) }
    guard json["credHelpers"]?[host] == nil, json["auths"]?[host] == nil || json["credsStore"] == nil else {
      throw RegistryError.credentials(
        "`\(path)` leaves them to a credential helper, which is not asked here; put `USER:PASSWORD` into `\(variable)`")
    }
    return nil
  }

  package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
