import ArgumentParser
import CacheServer
import Diagnostics
import Dispatch
import Foundation
import Pipeline
import Synchronization

/// `anneal cache serve`: a cache by HTTP for others.
struct CacheServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves a folder of results to others, by Bazel's HTTP cache protocol.",
    discussion: """
      Others use it with `--cache http://HOST:PORT`. Tokens come from a file (`--tokens`) or from the environment variables \
      ANNEAL_CACHE_READ_TOKEN and ANNEAL_CACHE_WRITE_TOKEN; without any, whoever reaches the address may take and put, which \
      is why only this machine does unless `--open` is said. SIGTERM ends it when the requests under way are done.
      """)

  @Option(help: "The folder with the results; made where there is none. `--cache FOLDER` reads the same one.")
  var folder: String

  @Option(help: "Where to listen; port 0 takes a free one.")
  var listen: ListenAddress = .usual

  @Option(
    help:
      "The most to keep, such as 200GB: what was not asked for longest goes first. Nine tenths of the disk's room unless given."
  )
  var size: ByteCount?

  @Option(help: "The largest blob to take, such as 20GB; `--size` unless given.")
  var maxBlob: ByteCount?

  @Option(
    help: ArgumentHelp(
      "A file with tokens, one a line: `read TOKEN` may take, `read_write TOKEN` may put.", valueName: "file"))
  var tokens: String?

  @Flag(
    help: "Let those take who bring no token, and put where there are no tokens, also from other machines.")
  var open = false

  @Flag(
    help: "Take any bytes as an entry, as ccache puts them there; what entries name is not looked at then.")
  var anyEntries = false

  @Option(help: "A file with the certificate to serve HTTPS with (PEM).")
  var certificate: String?

  @Option(help: "The file with its private key; the same file unless given.")
  var key: String?

  @Option(
    help: ArgumentHelp("A file with certificates of whom clients' certificates must come.", valueName: "file"))
  var clientCa: String?

  func validate() throws {
    if certificate == nil, key ?? clientCa != nil {
      throw ValidationError("`--key` and `--client-ca` have no effect without `--certificate`.")
    }
  }

  func run() throws {
    var server: CacheServer?
    try reportingProblems {
      let access = try access()
      guard access.hasTokens || open || listen.isLoopback else {
        throw Diagnostic(
          code: "open-server", "Everybody who reaches `\(listen.text(port: listen.port))` could put results there",
          reason: "there is no token, and it is not an address of this machine alone",
          advice: "name tokens (`--tokens`, `ANNEAL_CACHE_WRITE_TOKEN`), or say `--open`")
      }
      if certificate == nil, access.hasTokens, !listen.isLoopback {
        Terminal.report([
          Diagnostic(
            .warning, code: "plain-tokens", "Tokens cross the network as they are",
            advice: "serve HTTPS with `--certificate`, or put a proxy that encrypts before it")
        ])
      }
      let files = FileSystem()
      try files.makeFolder(folder)
      let kept = try CacheFolder(path: files.resolved(folder), bound: size?.value)
      var limits = CacheLimits(blob: maxBlob?.value ?? kept.bound)
      limits.takesAnyEntry = anyEntries
      let certificates = certificate.map { CacheCertificates(certificate: $0, key: key ?? $0, clients: clientCa) }
      server = CacheServer(folder: kept, access: access, limits: limits, certificates: certificates)
    }
    guard let server else { return }
    try reportingProblems(code: 1) { try serve(server) }
  }

  private func access() throws -> CacheAccess {
    var access = CacheAccess()
    access.isOpen = open
    if let tokens {
      guard let bytes = try FileSystem().read(tokens, limit: 1 << 20) else {
        throw Diagnostic(code: "missing-file", "There is no file `\(tokens)` with tokens")
      }
      try access.add(file: tokens, String(decoding: bytes, as: UTF8.self))
    }
    let environment = ProcessInfo.processInfo.environment
    if let token = environment["ANNEAL_CACHE_READ_TOKEN"], !token.isEmpty { access.addReader(token) }
    if let token = environment["ANNEAL_CACHE_WRITE_TOKEN"], !token.isEmpty { access.addWriter(token) }
    return access
  }

  /// Serves until it is asked to stop.
  private func serve(_ server: CacheServer) throws {
    let ended = DispatchSemaphore(value: 0)
    let failure = Mutex<(any Error)?>(nil)
    let (listen, scheme) = (listen, certificate == nil ? "http" : "https")
    Task {
      do {
        try await server.run(host: listen.host, port: listen.port) { port in
          let (used, bound) = (byteCount(server.folder.size), byteCount(server.folder.bound))
          Terminal.say("serving \(server.folder.path) (\(used) of \(bound)) on \(scheme)://\(listen.text(port: port))")
        }
      } catch { failure.withLock { $0 = error } }
      ended.signal()
    }
    ended.wait()
    if let error = failure.withLock({ $0 }) { throw error }
    Terminal.say("stopped")
  }
}

extension ListenAddress: ExpressibleByArgument {
  /// Where it listens unless told otherwise.
  static let usual = ListenAddress(host: "127.0.0.1", port: 8930)

  package init?(argument: String) { self.init(argument) }
  package var defaultValueDescription: String { text(port: port) }
}

extension ByteCount: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
}
