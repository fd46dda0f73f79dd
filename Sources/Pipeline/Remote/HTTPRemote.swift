import AsyncHTTPClient
import NIOHTTP1
import PreciseJSON

/// A cache that speaks HTTP as Bazel's clients and servers do: `GET`, `HEAD` and `PUT` of `ac/<key>` and `cas/<sha256>`.
///
/// A request that fails has one more try over a new connection. A blob goes on where it stopped (`Range`), and has another
/// try for every 64 MiB that came since the last one. No redirect is followed: credentials go where the settings say.
package final class HTTPRemote: RemoteCache {
  package let name: String
  package let isWritable: Bool
  package let width = 4
  private let settings: CacheSettings
  private let address: CacheAddress
  private let connections: HTTPConnections

  /// The bytes that earn a transfer another try.
  private static let piece = 64 << 20

  /// - Parameter patience: Seconds in which something must move; and in which a connection must come about.
  package init(
    _ settings: CacheSettings, at address: CacheAddress, patience: (idle: Double, connect: Double) = (60, 10)
  ) throws(CredentialError) {
    self.address = address
    self.settings = settings
    name = settings.name ?? address.text
    isWritable = settings.isWritable
    connections = try HTTPConnections(settings, address, idle: patience.idle, connect: patience.connect)
  }

  package var json: JSON { ["http": AnyFields(settings).json] }

  /// Reads what ``json`` gave.
  convenience init?(json: JSON) {
    guard let json = json["http"], let settings = try? AnyFields.read(CacheSettings.self, json: json),
      let address = settings.url
    else { return nil }
    try? self.init(settings, at: address)
  }

  package func holds(_ area: RemoteArea, _ digest: Digest, size: Int?, _ transfer: RemoteTransfer) throws -> Bool {
    try twice { isAgain in
      let head = try connections.ask(HTTPExchange(.HEAD, address.place(area, digest), isAgain: isAgain), transfer)
      switch head.status.code {
      case 200:
        guard let size, let length = head.contentLength else { return true }
        return length == size
      // Some servers know no HEAD: then it is put there once more.
      case 204, 404, 405, 410, 501: return false
      default: throw HTTPRemoteError(head)
      }
    }
  }

  package func fetch(
    _ area: RemoteArea, _ digest: Digest, into file: ReceivedFile, limit: Int, _ transfer: RemoteTransfer
  ) throws -> Bool {
    var failedAt: Int?
    while true {
      do { return try get(area, digest, file, limit, isAgain: failedAt != nil, transfer) } catch let error
        as HTTPRemoteError
      {
        let isEarned = failedAt.map { file.count - $0 >= Self.piece } ?? true
        guard isEarned, error.isWorthAnotherTry else { throw error }
        // What is named by its content is the same whoever sends the rest of it.
        if area == .results || error.isAboutRange { try file.restart() }
        failedAt = file.count
      }
    }
  }

  private func get(
    _ area: RemoteArea, _ digest: Digest, _ file: ReceivedFile, _ limit: Int, isAgain: Bool, _ transfer: RemoteTransfer
  ) throws -> Bool {
    let start = file.count
    var exchange = HTTPExchange(.GET, address.place(area, digest), isAgain: isAgain)
    if start > 0 { exchange.headers.add(name: "Range", value: "bytes=\(start)-") }
    exchange.begin = { head in
      switch head.status.code {
      case 200: if start > 0 { try file.restart() }
      case 206 where start > 0: guard head.continues(at: start) else { throw HTTPRemoteError.wrongRange }
      default: return false
      }
      if let length = head.contentLength, length > limit - file.count {
        throw RemoteError.tooLarge(digest, limit: limit)
      }
      return true
    }
    exchange.take = { bytes in
      guard file.count + bytes.count <= limit else { throw RemoteError.tooLarge(digest, limit: limit) }
      try file.append(bytes)
    }
    let head = try connections.ask(exchange, transfer)
    switch head.status.code {
    case 200: return true
    case 206 where start > 0: return true
    case 204, 404, 410: return false
    default: throw HTTPRemoteError(head)
    }
  }

  package func keep(_ area: RemoteArea, _ digest: Digest, from path: String, _ transfer: RemoteTransfer) throws {
    try twice { isAgain in
      var exchange = HTTPExchange(.PUT, address.place(area, digest), isAgain: isAgain)
      exchange.body = try FileUpload.body(of: path)
      let head = try connections.ask(exchange, transfer)
      guard (200..<300).contains(head.status.code) else { throw HTTPRemoteError(head) }
    }
  }

  /// Asks once more over a new connection where that may help.
  private func twice<Answer>(_ ask: (_ isAgain: Bool) throws -> Answer) throws -> Answer {
    do { return try ask(false) } catch let error as HTTPRemoteError where error.isWorthAnotherTry {
      return try ask(true)
    }
  }
}

extension HTTPRemoteError {
  init(_ head: HTTPResponseHead) {
    self = .refused(status: Int(head.status.code), location: head.headers.first(name: "Location"))
  }
}

extension HTTPResponseHead {
  fileprivate var contentLength: Int? { headers.first(name: "Content-Length").flatMap { Int($0) } }

  /// Whether the body is the rest of what was asked for: `Content-Range: bytes START-…`.
  fileprivate func continues(at start: Int) -> Bool {
    headers.first(name: "Content-Range")?.hasPrefix("bytes \(start)-") ?? false
  }
}
