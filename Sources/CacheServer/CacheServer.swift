import Diagnostics
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import Pipeline
import ServiceLifecycle
import UnixSignals

/// What a server takes at most.
package struct CacheLimits: Sendable {
  /// Bytes of a blob.
  package var blob: Int
  /// Whether entries may be anything, as tools keep there that are not Bazel's: then nothing is known of what they name.
  package var takesAnyEntry = false
  /// Connections at once.
  package var connections = 1000
  /// Seconds for which a connection may say nothing.
  package var idle = 75

  package init(blob: Int) { self.blob = blob }
}

/// Certificates of a server that encrypts.
package struct CacheCertificates: Sendable {
  package var certificate: String
  package var key: String
  /// Certificates of whom clients' certificates must come; clients need none where it is nil.
  package var clients: String?

  package init(certificate: String, key: String, clients: String? = nil) {
    self.certificate = certificate
    self.key = key
    self.clients = clients
  }

  fileprivate func configuration() throws -> TLSConfiguration {
    do {
      var tls = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
      if let clients {
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(clients))
        tls.certificateVerification = .noHostnameVerification
      }
      return tls
    } catch {
      throw Diagnostic(code: "bad-certificate", "A certificate or key cannot be read", reason: "\(error)")
    }
  }
}

extension CacheCertificates {
  /// - Throws: `Diagnostic` where certificate and key do not belong together.
  fileprivate func server(over http: HTTPServerBuilder) throws -> HTTPServerBuilder {
    let configuration = try configuration()
    do { return try .tls(http, tlsConfiguration: configuration) } catch {
      throw Diagnostic(
        code: "bad-certificate", "`\(key)` is not the key of `\(certificate)`", reason: "\(error)",
        advice: "name its key with `--key`")
    }
  }
}

/// A server of a folder of results, by Bazel's HTTP cache protocol.
package struct CacheServer: Sendable {
  package let folder: CacheFolder
  package var access: CacheAccess
  package var limits: CacheLimits
  package var certificates: CacheCertificates?

  package init(folder: CacheFolder, access: CacheAccess, limits: CacheLimits, certificates: CacheCertificates? = nil) {
    self.folder = folder
    self.access = access
    self.limits = limits
    self.certificates = certificates
  }

  /// The most bytes of a request's head.
  private static let headLimit = 32 << 10
  /// Seconds that requests have to end after the wish to stop.
  private static let farewell = 30

  /// Serves until SIGTERM or SIGINT; requests that go on then are ended first.
  ///
  /// - Parameter running: Told of the port, once somebody listens there.
  package func run(host: String, port: Int, running: @escaping @Sendable (Int) -> Void) async throws {
    var logger = Logger(label: "anneal cache serve")
    logger.logLevel = .warning
    let http = HTTPServerBuilder.http1(
      configuration: .init(
        idleTimeout: .seconds(Int64(limits.idle)),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.headLimit, maxHeaderListSize: Self.headLimit, maxHeaderFieldCount: 100)))
    let application = Application(
      responder: CacheResponder(folder: folder, access: access, limits: limits, metrics: CacheMetrics()),
      server: try certificates.map { try $0.server(over: http) } ?? http,
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), serverName: "anneal",
        availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
      onServerRunning: { running($0.localAddress?.port ?? port) }, logger: logger)
    var group = ServiceGroupConfiguration(
      services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = .seconds(Self.farewell)
    do { try await ServiceGroup(configuration: group).run() } catch let error as IOError {
      throw Diagnostic(
        code: "cannot-listen", "Cannot listen on `\(host):\(port)`", reason: String(cString: strerror(error.errnoCode)),
        advice: "name another address with `--listen`")
    }
  }
}
