import AsyncHTTPClient
import Dispatch
import NIOCore
import NIOHTTP1
import Synchronization

/// One request to an HTTP cache, and what is done with the answer.
struct HTTPExchange {
  var method: HTTPMethod
  var url: String
  /// Whether the one before failed: then it has a connection of its own.
  var isAgain: Bool
  var headers = HTTPHeaders()
  var body: HTTPClient.Body?
  /// Told of the answer's head; says whether its body is wanted.
  var begin: @Sendable (HTTPResponseHead) throws -> Bool = { _ in false }
  /// Given the body, a piece after the other.
  var take: @Sendable (UnsafeRawBufferPointer) throws -> Void = { _ in }

  init(_ method: HTTPMethod, _ url: String, isAgain: Bool) {
    self.method = method
    self.url = url
    self.isAgain = isAgain
  }

  /// Performs the request and waits for its end, from a thread that may wait.
  ///
  /// There is no limit to how long it takes, as long as something moves: a kilobyte a second over `idle` seconds.
  /// - Throws: ``HTTPRemoteError``, ``Interrupted``, and what the closures throw.
  func perform(_ client: HTTPClient, idle: Double, _ transfer: RemoteTransfer) throws -> HTTPResponseHead {
    let request = try HTTPClient.Request(url: url, method: method, headers: headers, body: body)
    let receiver = Receiver(begin: begin, take: take, moved: transfer.moved)
    let task = client.execute(request: request, delegate: receiver)
    let ended = DispatchSemaphore(value: 0)
    let outcome = Mutex<Result<HTTPResponseHead, any Error>?>(nil)
    task.futureResult.whenComplete { result in
      outcome.withLock { $0 = result }
      ended.signal()
    }
    var watch = Watch(idle: idle)
    var reason: (any Error)?
    while ended.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      guard reason == nil else { continue }
      if transfer.isStopped {
        reason = Interrupted()
      } else if watch.isStill(receiver.bytes) {
        reason = HTTPRemoteError.stalled(seconds: idle, hasBegun: receiver.hasBegun)
      }
      if reason != nil { task.cancel() }
    }
    switch outcome.withLock({ $0 }) {
    case .success(let head): return head
    case .failure(let error):
      if let reason { throw reason }
      // What it says beforehand counts, whatever becomes of a body that nobody wants.
      if let head = receiver.refusal { return head }
      throw try HTTPRemoteError(error)
    case nil: throw HTTPRemoteError.broken("there is no answer")
    }
  }

  /// Tells whether next to nothing moves.
  private struct Watch {
    /// Bytes a second.
    private static let least = 1024.0

    let idle: Double
    private var start = steadyClock()
    private var bytes = 0

    init(idle: Double) { self.idle = idle }

    mutating func isStill(_ now: Int) -> Bool {
      guard steadyClock() - start > idle else { return false }
      if Double(now - bytes) < Self.least * idle { return true }
      (start, bytes) = (steadyClock(), now)
      return false
    }
  }
}

/// Takes an answer in, on the thread of its connection: what is slow there slows the sender down.
private final class Receiver: HTTPClientResponseDelegate {
  typealias Response = HTTPResponseHead

  private struct State {
    var head: HTTPResponseHead?
    var isWanted = false
    var unwanted = 0
    /// Moved in either direction.
    var bytes = 0
    var hasBegun = false
  }

  /// The most of an error page that is read to keep the connection.
  private static let pageLimit = 64 << 10

  private let begin: @Sendable (HTTPResponseHead) throws -> Bool
  private let take: @Sendable (UnsafeRawBufferPointer) throws -> Void
  private let moved: @Sendable (Int) -> Void
  private let state = Mutex(State())

  init(
    begin: @escaping @Sendable (HTTPResponseHead) throws -> Bool,
    take: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void, moved: @escaping @Sendable (Int) -> Void
  ) {
    self.begin = begin
    self.take = take
    self.moved = moved
  }

  var bytes: Int { state.withLock { $0.bytes } }
  /// Whether anything of the answer has come.
  var hasBegun: Bool { state.withLock { $0.hasBegun } }
  /// The head of an answer whose body is not wanted.
  var refusal: HTTPResponseHead? { state.withLock { $0.isWanted ? nil : $0.head } }

  func didSendRequestPart(task: HTTPClient.Task<HTTPResponseHead>, _ part: IOData) {
    state.withLock { $0.bytes += part.readableBytes }
  }

  func didReceiveHead(task: HTTPClient.Task<HTTPResponseHead>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    answer(task) {
      let isWanted = try begin(head)
      state.withLock { state in
        state.head = head
        state.isWanted = isWanted
        state.hasBegun = true
      }
    }
  }

  func didReceiveBodyPart(task: HTTPClient.Task<HTTPResponseHead>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    answer(task) {
      let isWanted = state.withLock { state in
        state.bytes += buffer.readableBytes
        if !state.isWanted { state.unwanted += buffer.readableBytes }
        return state.isWanted
      }
      if isWanted {
        try buffer.withUnsafeReadableBytes(take)
        moved(buffer.readableBytes)
      } else if state.withLock({ $0.unwanted }) > Self.pageLimit {
        throw HTTPRemoteError.broken("its answer is longer than an error should be")
      }
    }
  }

  private func answer(
    _ task: HTTPClient.Task<HTTPResponseHead>, _ body: () throws -> Void
  ) -> EventLoopFuture<Void> {
    do {
      try body()
      return task.eventLoop.makeSucceededVoidFuture()
    } catch { return task.eventLoop.makeFailedFuture(error) }
  }

  func didFinishRequest(task: HTTPClient.Task<HTTPResponseHead>) throws -> HTTPResponseHead {
    guard let head = state.withLock({ $0.head }) else { throw HTTPRemoteError.broken("there is no answer") }
    return head
  }
}
