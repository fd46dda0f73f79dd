import Diagnostics

/// Why a registry did not do what was asked.
package enum RegistryError: Error, Sendable, Hashable {
  /// There is nothing under the name.
  case nothing(String)
  /// What is there is no result of ours.
  case foreign(String, reason: String)
  /// The manifest's bytes are not what its digest says.
  case damagedManifest(String)
  /// Nobody may do that, or not with these credentials.
  case denied(String, hasCredentials: Bool)
  case credentials(String)
  /// An answer that breaks the protocol.
  case unclear(String)
}

extension RegistryError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .nothing(let name):
      [
        Diagnostic(
          code: "registry", "There is nothing under `\(name)`",
          reason: "the registry does not know the name or the tag",
          advice: "some registries say so too where one is not logged in")
      ]
    case .foreign(let name, let reason):
      [Diagnostic(code: "registry", "`\(name)` holds no result of Anneal's", reason: reason)]
    case .damagedManifest(let name):
      [
        Diagnostic(
          code: "registry", "The registry gives another manifest than `\(name)`",
          reason: "its bytes do not have the digest that it was asked for by")
      ]
    case .denied(let name, let hasCredentials):
      [
        Diagnostic(
          code: "registry", "The registry does not allow that with `\(name)`",
          reason: hasCredentials ? "it knows who asks and refuses" : "nobody is logged in",
          advice:
            "log in as `docker login` or `oras login` do, or put `USER:PASSWORD` into `\(RegistryCredentials.variable)`"
        )
      ]
    case .credentials(let reason):
      [Diagnostic(code: "registry", "The credentials for the registry cannot be used", reason: reason)]
    case .unclear(let reason):
      [Diagnostic(code: "registry", "The registry does not speak the distribution protocol", reason: reason)]
    }
  }
}
