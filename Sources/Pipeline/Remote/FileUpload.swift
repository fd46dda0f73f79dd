import AsyncHTTPClient
import Glibc
import NIOCore
import Synchronization

/// Sends a file as the body of a request, a piece after the other.
final class FileUpload: Sendable {
  private static let piece = 1 << 18

  private let path: String
  private let descriptor: Int32
  private let state: Mutex<(buffer: ByteBuffer, left: Int)>

  private init(_ path: String, from start: Int, count: Int?) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, lseek(descriptor, off_t(start), SEEK_SET) >= 0 else {
      let error = SystemError("look at", path)
      close(descriptor)
      throw error
    }
    state = Mutex((ByteBufferAllocator().buffer(capacity: Self.piece), count ?? Int(status.st_size) - start))
  }

  deinit { close(descriptor) }

  /// The body, with its length said beforehand, as Bazel's servers want it: the whole file, or so many bytes of it.
  static func body(of path: String, from start: Int = 0, count: Int? = nil) throws -> HTTPClient.Body {
    let upload = try FileUpload(path, from: start, count: count)
    return .stream(contentLength: Int64(upload.state.withLock { $0.left })) { upload.send(to: $0) }
  }

  private func send(to writer: HTTPClient.Body.StreamWriter) -> EventLoopFuture<Void> {
    // Nothing, to learn whose turn it is.
    writer.write(.byteBuffer(ByteBuffer())).flatMapWithEventLoop { [self] _, loop in
      let promise = loop.makePromise(of: Void.self)
      step(writer, loop, promise)
      return promise.futureResult
    }
  }

  private func step(_ writer: HTTPClient.Body.StreamWriter, _ loop: any EventLoop, _ promise: EventLoopPromise<Void>) {
    do {
      guard let piece = try next() else { return promise.succeed() }
      writer.write(.byteBuffer(piece)).whenComplete { [self] result in
        switch result {
        // Not from here: where every write is done at once, pieces would pile up on the stack.
        case .success: loop.execute { self.step(writer, loop, promise) }
        case .failure(let error): promise.fail(error)
        }
      }
    } catch { promise.fail(error) }
  }

  /// The next piece; nil at the end.
  ///
  /// A file that has become shorter since is noticed by whoever counts the body.
  private func next() throws -> ByteBuffer? {
    try state.withLock { state in
      guard state.left > 0 else { return nil }
      state.buffer.clear(minimumCapacity: Self.piece)
      let wanted = min(state.left, Self.piece)
      let got = try state.buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
        while true {
          let got = read(descriptor, bytes.baseAddress, wanted)
          if got < 0, errno == EINTR { continue }
          guard got >= 0 else { throw SystemError("read", path) }
          return got
        }
      }
      state.left = got == 0 ? 0 : state.left - got
      return got == 0 ? nil : state.buffer
    }
  }
}
