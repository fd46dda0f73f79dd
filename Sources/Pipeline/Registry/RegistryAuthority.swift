import Foundation
import NIOHTTP1
import PreciseJSON
import Synchronization

/// Says who asks, in the way that a registry wants it said: not at all, by password, or by a token that another server gives
/// (the distribution project's token specification).
final class RegistryAuthority: Sendable {
  private let reference: RegistryReference
  private let credentials: RegistryCredentials?
  private let connections: HTTPConnections
  private let mayWrite: Bool
  /// The header's value that did last.
  private let known = Mutex<String?>(nil)

  /// The longest answer with a token.
  private static let limit = 1 << 20

  init(
    _ reference: RegistryReference, _ credentials: RegistryCredentials?, _ connections: HTTPConnections, mayWrite: Bool
  ) {
    self.reference = reference
    self.credentials = credentials
    self.connections = connections
    self.mayWrite = mayWrite
  }

  var hasCredentials: Bool { credentials != nil }
  var header: String? { known.withLock { $0 } }

  /// Learns from an answer of 401 what to say.
  ///
  /// - Parameter used: What the request said; another one may have learnt more in the meantime.
  /// - Returns: Whether it is worth asking again.
  /// - Throws: ``RegistryError``, and what the way to the server of tokens throws.
  func answer(_ challenge: String, to used: String?, _ transfer: RemoteTransfer) throws -> Bool {
    if header != used { return true }
    let scheme = challenge.prefix { $0 != " " }.lowercased()
    let new: String?
    switch scheme {
    case "basic": new = credentials.map { "Basic " + $0.encoded }
    case "bearer": new = try token(Self.parameters(challenge.dropFirst(scheme.count)), transfer).map { "Bearer " + $0 }
    default: throw RegistryError.unclear("it wants `\(scheme)` credentials, which nobody here knows")
    }
    guard let new, new != used else { return false }
    known.withLock { $0 = new }
    return true
  }

  private func token(_ parameters: [String: String], _ transfer: RemoteTransfer) throws -> String? {
    guard let realm = parameters["realm"], realm.hasPrefix("https://") || reference.isLocal, !realm.contains("@") else {
      throw RegistryError.unclear("it names no server of tokens that is asked by HTTPS")
    }
    var allowed = CharacterSet.alphanumerics
    allowed.insert(charactersIn: "-._~:/,")
    let scope = "repository:\(reference.repository):\(mayWrite ? "pull,push" : "pull")"
    let query = [("service", parameters["service"]), ("scope", scope)].compactMap { name, value in
      value?.addingPercentEncoding(withAllowedCharacters: allowed).map { "\(name)=\($0)" }
    }
    var exchange = HTTPExchange(
      .GET, realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&"), isAgain: false)
    if let credentials { exchange.headers.add(name: "Authorization", value: "Basic " + credentials.encoded) }
    let body = CollectedBody(limit: Self.limit)
    body.attach(to: &exchange)
    let head = try connections.ask(exchange, transfer)
    guard head.status != .unauthorized, head.status != .forbidden else { return nil }
    guard head.status == .ok else { throw HTTPRemoteError(head) }
    guard let json = try? JSON(parsing: body.bytes, file: "token"),
      let token = json["token"]?.string ?? json["access_token"]?.string,
      token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw RegistryError.unclear("its server of tokens gives none") }
    return token
  }

  /// `name="value",name=value` of a challenge.
  static func parameters(_ text: Substring) -> [String: String] {
    var found: [String: String] = [:]
    var rest = text
    while let equals = rest.firstIndex(of: "=") {
      let name = rest[..<equals].drop { $0 == " " || $0 == "," }.lowercased()
      rest = rest[rest.index(after: equals)...]
      if rest.first == "\"" {
        rest = rest.dropFirst()
        found[name] = String(rest.prefix { $0 != "\"" })
        rest = rest.drop { $0 != "\"" }.dropFirst()
      } else {
        found[name] = String(rest.prefix { $0 != "," })
        rest = rest.drop { $0 != "," }
      }
    }
    return found
  }
}

/// The body of a short answer.
final class CollectedBody: Sendable {
  private let limit: Int
  private let state = Mutex<[UInt8]>([])

  init(limit: Int) { self.limit = limit }

  var bytes: [UInt8] { state.withLock { $0 } }

  func attach(to exchange: inout HTTPExchange) {
    exchange.begin = { [self] head in
      state.withLock { $0 = [] }
      return head.status == .ok
    }
    exchange.take = { [self] piece in
      try state.withLock { bytes in
        guard bytes.count + piece.count <= limit else {
          throw RegistryError.unclear("an answer is longer than \(limit) bytes")
        }
        bytes += piece
      }
    }
  }
}
