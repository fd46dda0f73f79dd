import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// The connections to one HTTP cache, made when the first request wants one: a run that finds everything in its store
/// touches no network.
final class HTTPConnections: Sendable {
  /// Threads that all caches of the process share.
  private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)

  private let settings: CacheSettings
  private let address: CacheAddress
  private let headers: HTTPHeaders
  private let idle: Double
  private let connect: Double
  private let client = Mutex<HTTPClient?>(nil)

  init(_ settings: CacheSettings, _ address: CacheAddress, idle: Double, connect: Double) throws(CredentialError) {
    self.settings = settings
    self.address = address
    self.idle = idle
    self.connect = connect
    var headers = HTTPHeaders([("User-Agent", "anneal")])
    if let bearer = settings.bearer { headers.add(name: "Authorization", value: "Bearer \(try bearer.secret)") }
    if let basic = settings.basic {
      let secret = try basic.secret
      let parts = secret.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw .malformed(basic.name, wanted: "`USER:PASSWORD`") }
      headers.add(
        name: "Authorization", value: HTTPClient.Authorization.basic(username: parts[0], password: parts[1]).headerValue
      )
    }
    for header in settings.headers.headers { headers.add(name: header.name, value: try header.value.secret) }
    self.headers = headers
  }

  deinit {
    // Connections that are open are closed in the background.
    client.withLock { $0 }?.shutdown { _ in }
  }

  /// Performs a request; see ``HTTPExchange/perform(_:idle:_:)``.
  func ask(_ exchange: HTTPExchange, _ transfer: RemoteTransfer) throws -> HTTPResponseHead {
    try transfer.check()
    var exchange = exchange
    exchange.headers.add(contentsOf: headers)
    if exchange.isAgain {
      let own = try made()
      defer { own.shutdown { _ in } }
      return try exchange.perform(own, idle: idle, transfer)
    }
    return try exchange.perform(pooled(), idle: idle, transfer)
  }

  private func pooled() throws -> HTTPClient {
    try client.withLock { client in
      if let client { return client }
      let new = try made()
      client = new
      return new
    }
  }

  private func made() throws -> HTTPClient {
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: address.isSecure ? try tls() : nil, redirectConfiguration: .disallow,
      timeout: .init(connect: .milliseconds(Int64(connect * 1000))))
    configuration.proxy = HTTPProxy(for: address)?.configuration
    configuration.httpVersion = .http1Only
    configuration.connectionPool.retryConnectionEstablishment = false
    return HTTPClient(eventLoopGroupProvider: .shared(Self.loops), configuration: configuration)
  }

  /// The certificates to trust and to show.
  private func tls() throws -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    do {
      if let ca = settings.ca { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(ca.text)) }
      if let certificate = settings.certificate {
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate.text).map { .certificate($0) }
        tls.privateKey = .privateKey(
          try NIOSSLPrivateKey(file: (settings.key ?? certificate).text, format: .pem))
      }
    } catch {
      throw HTTPRemoteError.unreachable("a certificate or key that its settings name cannot be read (\(error))")
    }
    return tls
  }
}

extension EnvironmentVariable {
  /// What it holds, as a header takes it.
  fileprivate var secret: String {
    get throws(CredentialError) {
      guard let value else { throw .missing(name) }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw .malformed(name, wanted: "text of one line")
      }
      return value
    }
  }
}

extension HTTPRemoteError {
  /// What a request that failed met.
  init(_ error: any Error) throws {
    switch error {
    case let error as HTTPRemoteError: self = error
    case let error as NIOConnectionError where error.isOfTime:
      self = .absent(Self.reason(error.connectionErrors[0].error))
    case let error as NIOConnectionError:
      let reason = error.connectionErrors.first.map { Self.reason($0.error) }
      self = .unreachable(reason ?? "there is no host `\(error.host)`")
    case let error as IOError where error.errnoCode == ECONNREFUSED: self = .unreachable(Self.reason(error))
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self = .unreachable(Self.encryption("\(error)"))
    case is IOError, is ChannelError, is HTTPParserError: self = .broken(Self.reason(error))
    case let error as HTTPClientError:
      switch error {
      case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout: self = .absent(error.shortDescription)
      case .invalidProxyResponse, .proxyAuthenticationRequired:
        self = .unreachable(error.shortDescription)
      default: self = .broken(error.shortDescription)
      }
    default: throw error
    }
  }

  /// What the library says about encryption, in words.
  private static func encryption(_ text: String) -> String {
    if text.contains("CERTIFICATE_REQUIRED") { return "it wants a certificate of the client (`certificate`, `key`)" }
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("UNKNOWN_CA") {
      return "its certificate is not trusted here; `ca` names a file with those that are"
    }
    if text.contains("WRONG_VERSION_NUMBER") { return "it does not speak TLS; is it `http://`?" }
    // `error:1000045c:SSL routines:OPENSSL_internal:REASON at /path/of/its/source.cc:491`
    let words = text.split(separator: ":").map { part in part.prefix { $0 != " " } }
    let reason = words.first { word in
      word.utf8.count > 3 && word.utf8.allSatisfy { (0x41...0x5A).contains($0) || $0 == 0x5F }
    }
    return "TLS: \(reason.map(String.init) ?? text)"
  }

  private static func reason(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    if case ChannelError.connectTimeout(let time) = error {
      return "nobody answers in \(duration(Double(time.nanoseconds) / 1e9))"
    }
    return "\(error)"
  }
}

extension NIOConnectionError {
  /// Whether nobody answered at any of the host's addresses.
  fileprivate var isOfTime: Bool {
    !connectionErrors.isEmpty
      && connectionErrors.allSatisfy { if case ChannelError.connectTimeout = $0.error { true } else { false } }
  }
}
