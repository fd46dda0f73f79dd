import Diagnostics
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Pipeline

/// Answers requests as a server of Bazel's HTTP cache does.
struct CacheResponder: HTTPResponder {
  typealias Context = BasicRequestContext

  let folder: CacheFolder
  let access: CacheAccess
  let limits: CacheLimits
  let metrics: CacheMetrics

  /// What a path names.
  private enum Target {
    case health
    case metrics
    case file(CacheFolder.Name)
    /// Something below `ac/` or `cas/` that is no name of a file.
    case malformed
    case unknown

    init(_ path: String) {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      switch (parts.count, parts.dropFirst().first.flatMap(RemoteArea.init(rawValue:))) {
      case (_, let area?):
        if parts.count == 3, let digest = Digest(hex: parts[2]) {
          self = .file(CacheFolder.Name(area: area, digest: digest))
        } else {
          self = .malformed
        }
      default: self = path == "/health" ? .health : path == "/metrics" ? .metrics : .unknown
      }
    }

    var area: String { if case .file(let name) = self { name.area.rawValue } else { "other" } }
  }

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    let target = Target(request.uri.path)
    var response: Response
    do { response = try await answer(request, target) } catch { response = Self.refusal(error) }
    // Whatever the answer: a body after HEAD would be taken for the next answer of the connection (RFC 9110, 9.3.2).
    if request.method == .head { response = response.createHeadResponse() }
    metrics.count(method: request.method.rawValue, area: target.area, status: response.status.code)
    return response
  }

  /// What went wrong here, as a status.
  private static func refusal(_ error: any Error) -> Response {
    if error is CacheFolder.Full { return no(.init(code: 507), "there is no room") }
    let cause = (error as? LocalFailure)?.error ?? error
    if let error = cause as? SystemError, [ENOSPC, EDQUOT, EFBIG].contains(error.code) {
      return no(.init(code: 507), "there is no room")
    }
    // What exactly is not the business of whoever asks.
    return no(.internalServerError, "something failed here")
  }

  private static func no(_ status: HTTPResponse.Status, _ words: String, _ headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "text/plain; charset=utf-8"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: words + "\n")))
  }

  private func answer(_ request: Request, _ target: Target) async throws -> Response {
    let isPut = request.method == .put
    guard isPut || request.method == .get || request.method == .head else {
      return Self.no(.methodNotAllowed, "GET, HEAD and PUT are known here", [.allow: "GET, HEAD, PUT"])
    }
    if case .health = target, !isPut { return text("ok\n") }
    switch access.verdict(request.headers[.authorization], wants: isPut ? .readWrite : .read) {
    case .allowed: break
    case .unknown:
      return Self.no(.unauthorized, "a token is wanted", [.wwwAuthenticate: "Bearer, Basic realm=\"anneal\""])
    case .forbidden: return Self.no(.forbidden, "this token may not put anything here")
    }
    switch target {
    case .file(let name): return try await isPut ? put(request, name) : get(request, name)
    case .metrics where !isPut: return text(metrics.text(folder))
    case .malformed: return Self.no(.badRequest, "a name has 64 small hexadecimal digits")
    case .health, .metrics, .unknown: return Self.no(.notFound, "there is `ac/`, `cas/`, `health` and `metrics`")
    }
  }

  private func text(_ text: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  // MARK: Taking

  private func get(_ request: Request, _ name: CacheFolder.Name) async throws -> Response {
    let missing = Self.no(.notFound, "there is nothing under this name")
    switch name.area {
    case .results:
      let entry = try await NIOThreadPool.singleton.runIfActive { [folder, limits] in
        try folder.entry(name.digest, checksReferences: !limits.takesAnyEntry)
      }
      guard let entry else { return missing }
      if request.method == .head { return head(entry.count) }
      metrics.countSent(entry.count)
      return Response(
        status: .ok, headers: [.contentType: "application/octet-stream"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: entry)))
    case .blobs:
      guard let size = try folder.use(name) else { return missing }
      if request.method == .head { return head(size) }
      guard let file = try SentFile(folder.place(name)) else { return missing }
      return send(file, from: Self.start(request.headers[.range], file.size))
    }
  }

  private func head(_ size: Int) -> Response {
    Response(
      status: .ok,
      headers: [.contentLength: String(size), .contentType: "application/octet-stream", .acceptRanges: "bytes"])
  }

  /// Where `bytes=START-` begins; 0 for the whole, also where another kind of range is asked for.
  private static func start(_ range: String?, _ size: Int) -> Int {
    guard let range, range.hasPrefix("bytes="), range.hasSuffix("-"), let start = Int(range.dropFirst(6).dropLast()),
      start > 0, start < size
    else { return 0 }
    return start
  }

  private func send(_ file: SentFile, from start: Int) -> Response {
    var headers: HTTPFields = [.contentType: "application/octet-stream", .acceptRanges: "bytes"]
    if start > 0 { headers[.contentRange] = "bytes \(start)-\(file.size - 1)/\(file.size)" }
    let body = ResponseBody(contentLength: file.size - start) { [metrics] writer in
      var at = start
      while at < file.size {
        let piece = try await file.piece(at)
        at += piece.readableBytes
        metrics.countSent(piece.readableBytes)
        try await writer.write(piece)
      }
      try await writer.finish(nil)
    }
    return Response(status: start > 0 ? .partialContent : .ok, headers: headers, body: body)
  }

  // MARK: Putting

  private func put(_ request: Request, _ name: CacheFolder.Name) async throws -> Response {
    guard let size = request.headers[.contentLength].flatMap({ Int($0) }), size >= 0 else {
      return Self.no(.lengthRequired, "the length has to be said beforehand")
    }
    let most = name.area == .results ? EntryReferences.limit : limits.blob
    guard size <= most else { return Self.no(.contentTooLarge, "at most \(most) bytes are taken") }
    let upload = try await NIOThreadPool.singleton.runIfActive { [folder] in try folder.begin(size) }
    do {
      for try await piece in request.body {
        try piece.withUnsafeReadableBytes { try upload.file.append($0) }
        metrics.countReceived(piece.readableBytes)
      }
      let refusal = try await NIOThreadPool.singleton.runIfActive { () throws -> String? in
        let blob = try upload.file.finish()
        guard blob.size == size else { return "less came than was said" }
        if let fault = try fault(of: upload, blob, name) { return fault }
        try folder.keep(upload, name)
        return nil
      }
      guard let refusal else { return Response(status: .created) }
      folder.giveUp(upload)
      return Self.no(.badRequest, refusal)
    } catch {
      folder.giveUp(upload)
      throw error
    }
  }

  /// Why what was received cannot stand under its name.
  private func fault(of upload: CacheUpload, _ blob: BlobReference, _ name: CacheFolder.Name) throws -> String? {
    switch name.area {
    case .blobs: return blob.digest == name.digest ? nil : "these are other bytes than the name says"
    case .results:
      if limits.takesAnyEntry { return nil }
      let bytes = try folder.files.read(upload.file.path, limit: EntryReferences.limit) ?? []
      return (try? EntryReferences(entry: bytes)) == nil ? "this is no `ActionResult`" : nil
    }
  }
}

/// A file on its way to somebody, open as long as it is sent, whatever becomes of its name meanwhile.
private final class SentFile: Sendable {
  private static let piece = 1 << 19

  private let path: String
  private let descriptor: Int32
  let size: Int

  /// Nil where there is no file.
  init?(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    if descriptor < 0, errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw SystemError("open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = SystemError("look at", path)
      close(descriptor)
      throw error
    }
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// The next bytes from a place before the end, never none.
  func piece(_ at: Int) async throws -> ByteBuffer {
    try await NIOThreadPool.singleton.runIfActive { [self] in
      let wanted = min(Self.piece, size - at)
      var buffer = ByteBufferAllocator().buffer(capacity: wanted)
      _ = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
        while true {
          let got = pread(descriptor, bytes.baseAddress, wanted, off_t(at))
          if got < 0, errno == EINTR { continue }
          guard got > 0 else { throw SystemError("read", path, code: got < 0 ? errno : EIO) }
          return got
        }
      }
      return buffer
    }
  }
}
