import Diagnostics

/// Why an HTTP cache did not do what was asked.
enum HTTPRemoteError: Error, Sendable, Hashable {
  /// No connection came about.
  case unreachable(String)
  /// Nobody answered in time, not even with a connection.
  case absent(String)
  /// The connection ended, or what came over it is not HTTP.
  case broken(String)
  /// A part came that was not asked for.
  case wrongRange
  /// Next to nothing moved for so many seconds.
  case stalled(seconds: Double, hasBegun: Bool)
  /// An answer that says no; and where it sends one instead.
  case refused(status: Int, location: String?)

  /// Whether what was there has to be asked for from its start.
  var isAboutRange: Bool { self == .wrongRange || self == .refused(status: 416, location: nil) }

  /// Whether it says of the server, and not of what was asked for, that waiting for it is in vain.
  var isOfServer: Bool {
    switch self {
    case .absent: true
    case .stalled(_, let hasBegun): !hasBegun
    case .unreachable, .broken, .wrongRange, .refused: false
    }
  }

  /// Whether another connection may bring more.
  var isWorthAnotherTry: Bool {
    switch self {
    case .unreachable, .absent: false
    case .broken, .wrongRange: true
    case .stalled(_, let hasBegun): hasBegun
    // Tokens and servers behind a balancer come up one after the other.
    case .refused(let status, _): [401, 408, 416, 429, 500, 502, 503, 504].contains(status)
    }
  }
}

extension HTTPRemoteError: DiagnosticError {
  var diagnostics: [Diagnostic] { [Diagnostic(code: "http-cache", words)] }

  private var words: String {
    switch self {
    case .unreachable(let reason), .absent(let reason): "it cannot be reached: \(reason)"
    case .broken(let reason): "the connection broke: \(reason)"
    case .wrongRange: "it sends another part than was asked for"
    case .stalled(let seconds, _): "it stands still: next to nothing moved in \(duration(seconds))"
    case .refused(let status, let location): Self.words(status, location)
    }
  }

  private static func words(_ status: Int, _ location: String?) -> String {
    switch status {
    case 300..<400:
      "it answers \(status) and sends one elsewhere"
        + (location.map { ", to `\($0.prefix(200))`; name that address if you trust it" } ?? "")
    case 401: "it wants other credentials (401)"
    case 403: "it does not allow that with these credentials (403)"
    case 405: "it does not take such requests (405)"
    case 407: "the proxy wants credentials (407)"
    case 411: "it does not take bodies like these (411)"
    case 413: "the file is too large for it (413)"
    case 507: "it is full (507)"
    default: "it answers \(status)"
    }
  }
}

/// A variable that a cache's settings name, and that does not hold what is wanted.
package enum CredentialError: Error, Sendable, Hashable {
  case missing(String)
  case malformed(String, wanted: String)

  var words: String {
    switch self {
    case .missing(let name): "the environment variable `\(name)` is not set"
    case .malformed(let name, let wanted): "the environment variable `\(name)` does not hold \(wanted)"
    }
  }
}
