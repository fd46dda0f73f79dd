import AsyncHTTPClient
import NIOHTTP1

/// Requests to one repository of a registry, as its distribution protocol (v1.1) has them.
///
/// A request that fails has one more try over a new connection; one that is answered with 401 is asked again with what the registry
/// wants to hear. Redirections of a blob are followed without credentials, and never from HTTPS to HTTP.
final class RegistryConnection: Sendable {
  let reference: RegistryReference
  private let base: String
  private let connections: HTTPConnections
  private let authority: RegistryAuthority

  private static let mostRedirections = 5

  /// - Parameter mayWrite: Whether things are also put there: tokens are asked for no more than that.
  init(
    _ reference: RegistryReference, settings: CacheSettings, credentials: RegistryCredentials?, isPlain: Bool,
    mayWrite: Bool
  ) throws {
    self.reference = reference
    let scheme = isPlain ? "http" : "https"
    let address: CacheAddress
    do { address = try CacheAddress("\(scheme)://\(reference.host)/v2/\(reference.repository)") } catch {
      throw RegistryError.unclear(error.reason ?? error.summary)
    }
    base = address.text
    connections = try HTTPConnections(settings, address, idle: 60, connect: 10)
    authority = RegistryAuthority(reference, credentials, connections, mayWrite: mayWrite)
  }

  /// - Parameters:
  ///   - place: Below the repository, or a whole address that the registry gave.
  ///   - prepare: Adds headers and what is done with the answer, before every try.
  /// - Returns: The head of the last answer: statuses below 500 but 401 and 403, for the caller to judge.
  /// - Throws: ``RegistryError/denied(_:hasCredentials:)``, ``HTTPRemoteError``, ``Interrupted``.
  func ask(
    _ method: HTTPMethod, _ place: String, _ transfer: RemoteTransfer,
    prepare: (inout HTTPExchange) throws -> Void = { _ in }
  ) throws -> HTTPResponseHead {
    var hasFailed = false
    while true {
      do {
        let said = authority.header
        var head = try once(method, url(place), isAgain: hasFailed, saying: said, transfer, prepare)
        if head.status == .unauthorized, let challenge = head.headers.first(name: "WWW-Authenticate"),
          try authority.answer(challenge, to: said, transfer)
        {
          head = try once(method, url(place), isAgain: hasFailed, saying: authority.header, transfer, prepare)
        }
        guard head.status != .unauthorized, head.status != .forbidden else {
          throw RegistryError.denied(reference.name, hasCredentials: authority.hasCredentials)
        }
        let error = HTTPRemoteError(head)
        guard head.status.code >= 500 || head.status.code == 429 else { return head }
        throw error
      } catch let error as HTTPRemoteError where error.isWorthAnotherTry && !hasFailed {
        hasFailed = true
      }
    }
  }

  private func once(
    _ method: HTTPMethod, _ url: String, isAgain: Bool, saying header: String?, _ transfer: RemoteTransfer,
    _ prepare: (inout HTTPExchange) throws -> Void
  ) throws -> HTTPResponseHead {
    var url = url
    var isElsewhere = false
    for _ in 0...Self.mostRedirections {
      var exchange = HTTPExchange(method, url, isAgain: isAgain)
      // Whoever it sends one to has not asked who we are.
      if !isElsewhere, let header { exchange.headers.add(name: "Authorization", value: header) }
      try prepare(&exchange)
      let head = try connections.ask(exchange, transfer)
      guard method == .GET || method == .HEAD, [301, 302, 303, 307, 308].contains(head.status.code),
        let location = head.headers.first(name: "Location")
      else { return head }
      let next = self.url(location)
      guard next.hasPrefix("https://") || url.hasPrefix("http://") else {
        throw RegistryError.unclear("it sends one from HTTPS to HTTP")
      }
      isElsewhere = isElsewhere || Self.origin(next) != Self.origin(url)
      url = next
    }
    throw RegistryError.unclear("it sends one from place to place without end")
  }

  /// The address of a place below the repository, or of one that the registry names: whole, or from the host's root on.
  private func url(_ place: String) -> String {
    if place.hasPrefix("http://") || place.hasPrefix("https://") { return place }
    return place.hasPrefix("/") ? Self.origin(base) + place : "\(base)/\(place)"
  }

  /// `https://HOST:PORT`.
  private static func origin(_ url: String) -> String {
    var slashes = 0
    return String(
      url.prefix { character in
        if character == "/" { slashes += 1 }
        return slashes < 3
      })
  }
}
