import AsyncHTTPClient
import Diagnostics
import NIOHTTP1
import PreciseJSON
import Synchronization

/// Requests to the dashboard of a Ray cluster, whose answers are JSON.
final class RayConnection: Sendable {
  /// Why there is no answer to use.
  enum Failure: Error {
    case unreachable(String)
    /// It says no, in its words.
    case refused(status: Int, words: String)

    /// Whether the same request may bring more later.
    var isPassing: Bool {
      switch self {
      case .unreachable: true
      case .refused(let status, let words): status >= 502 || words.contains("try again")
      }
    }

    var words: String {
      switch self {
      case .unreachable(let words): words
      // A traceback's last line says what it is about.
      case .refused(let status, let words):
        "it answers \(status): " + (words.split(separator: "\n").last.map { String($0.prefix(500)) } ?? "")
      }
    }
  }

  let address: String
  private let connections: HTTPConnections

  /// The most of an answer that is read: lists of jobs hold the ends of their logs.
  private static let limit = 1 << 27

  /// - Parameters:
  ///   - tokenVariable: The environment variable with a token, where Ray asks for one.
  ///   - patience: Seconds in which something must move; and in which a connection must come about.
  init(_ address: CacheAddress, tokenVariable: String?, patience: (idle: Double, connect: Double)) throws(ClusterError)
  {
    self.address = address.text
    var settings = CacheSettings()
    settings.bearer = tokenVariable.flatMap { EnvironmentVariable("$" + $0) }
    do {
      connections = try HTTPConnections(settings, address, idle: patience.idle, connect: patience.connect)
    } catch { throw .failed(program: address.text, cluster: "Ray", words: error.words) }
  }

  /// Asks over a connection that is open already, where asking twice does no harm when it turns out to be none.
  ///
  /// - Parameter place: Behind the address, such as `/api/jobs/`.
  func ask(_ method: HTTPMethod, _ place: String, _ body: JSON? = nil) throws(Failure) -> JSON {
    let (status, bytes): (Int, [UInt8])
    do {
      do { (status, bytes) = try once(method, place, body, isAgain: method != .GET) } catch let error as HTTPRemoteError
        where method == .GET && error.isWorthAnotherTry
      {
        (status, bytes) = try once(method, place, body, isAgain: true)
      }
    } catch { throw .unreachable(Diagnostics.diagnostics(of: error).map(\.summary).joined(separator: "; ")) }
    guard (200..<300).contains(status) else {
      throw .refused(status: status, words: String(decoding: bytes.prefix(1 << 16), as: UTF8.self))
    }
    do { return try JSON(parsing: bytes, file: place) } catch {
      throw .unreachable("what it answers is no JSON: is \(address) the address of a Ray dashboard?")
    }
  }

  private func once(
    _ method: HTTPMethod, _ place: String, _ body: JSON?, isAgain: Bool
  ) throws -> (status: Int, bytes: [UInt8]) {
    var exchange = HTTPExchange(method, address + place, isAgain: isAgain)
    if let body {
      exchange.headers.add(name: "Content-Type", value: "application/json")
      exchange.body = .string(body.text())
    }
    let answer = Mutex<[UInt8]>([])
    exchange.begin = { _ in true }
    exchange.take = { bytes in
      try answer.withLock { answer in
        guard answer.count + bytes.count <= Self.limit else { throw HTTPRemoteError.broken("its answer is too long") }
        answer += bytes
      }
    }
    let head = try connections.ask(exchange, RemoteTransfer())
    return (Int(head.status.code), answer.withLock { $0 })
  }
}
