import Foundation
import Glibc
import Synchronization

/// A cache by HTTP on this machine that keeps everything in memory, and that tests have misbehave.
///
/// It speaks through plain sockets, so that it can do what no library would: end in the middle, lie about lengths, say
/// nothing. Each connection has a thread; all of them end with the value.
package final class ToyCacheServer: Sendable {
  package struct Request: Sendable {
    package var method: String
    /// Such as `/ac/0123…`.
    package var path: String
    /// Names in small letters.
    package var headers: [String: String]
    package var body: [UInt8]
    /// Which connection it came over, counted from 0.
    package var connection: Int
    /// How many requests for this method and path came before.
    package var earlier: Int
  }

  /// What is sent in answer.
  package enum Reply: Sendable {
    case answer(Int, headers: [String] = [], body: [UInt8] = [])
    /// Bytes as they are; then the connection is closed.
    case bytes([UInt8])
    /// Bytes as they are; then nothing, and the connection stays open.
    case silence(after: [UInt8] = [])
    /// Bytes as they are, so many at a time with a pause between, until the other side has had enough.
    case drip([UInt8], piece: Int, pause: Double)
  }

  private struct State {
    var stored: [String: [UInt8]] = [:]
    var requests: [Request] = []
    var connections = 0
    var open: Set<Int32> = []
    var isEnded = false
    /// Asked before anything else; nil where the server does as it should.
    var fault: (@Sendable (Request) -> Reply?)?
  }

  package let port: UInt16
  private let listener: Int32
  private let state = Mutex(State())

  package init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (listener, port) = try withUnsafeMutablePointer(to: &address) { [listener] pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(listener, pointer, size) == 0, listen(listener, 64) == 0, getsockname(listener, pointer, &size) == 0
        else { throw ToyError(text: "cannot listen on 127.0.0.1") }
        return (
          listener, pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_port.bigEndian }
        )
      }
    }
    self.port = port
    Thread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let self else { return }
        let number = self.state.withLock { state -> Int in
          state.open.insert(connection)
          defer { state.connections += 1 }
          return state.connections
        }
        Thread { [weak self] in
          var buffer: [UInt8] = []
          while let self, self.serve(connection, number, &buffer) {}
          self?.state.withLock { _ = $0.open.remove(connection) }
          close(connection)
        }.start()
      }
    }.start()
  }

  deinit { end() }

  /// Closes everything.
  package func end() {
    let open = state.withLock { state -> Set<Int32> in
      defer { state.isEnded = true }
      return state.isEnded ? [] : state.open
    }
    shutdown(listener, Int32(SHUT_RDWR))
    for connection in open { shutdown(connection, Int32(SHUT_RDWR)) }
  }

  package var address: String { "http://127.0.0.1:\(port)" }
  package var requests: [Request] { state.withLock { $0.requests } }
  package var connections: Int { state.withLock { $0.connections } }
  /// What is kept, by path.
  package var stored: [String: [UInt8]] {
    get { state.withLock { $0.stored } }
    set { state.withLock { $0.stored = newValue } }
  }

  /// Has the server answer otherwise; nil where it does as it should.
  package func misbehave(_ fault: (@Sendable (Request) -> Reply?)?) { state.withLock { $0.fault = fault } }

  package func forgetRequests() { state.withLock { $0.requests = [] } }

  // MARK: A connection

  /// Reads a request and answers; false when the connection is to be closed.
  private func serve(_ connection: Int32, _ number: Int, _ buffer: inout [UInt8]) -> Bool {
    guard var request = Self.read(connection, number, &buffer) else { return false }
    let fault = state.withLock { state in
      request.earlier = state.requests.count { $0.method == request.method && $0.path == request.path }
      state.requests.append(request)
      return state.fault
    }
    switch fault?(request) ?? answer(request) {
    case .answer(let status, let headers, let body):
      let isBodiless = request.method == "HEAD" || status == 204
      let head = Self.head(status, headers + (status == 204 ? [] : ["Content-Length: \(body.count)"]))
      return Self.send(connection, head + (isBodiless ? [] : body))
    case .bytes(let bytes):
      _ = Self.send(connection, bytes)
      return false
    case .silence(let bytes):
      _ = Self.send(connection, bytes)
      var byte: UInt8 = 0
      while recv(connection, &byte, 1, 0) > 0 {}
      return false
    case .drip(let bytes, let piece, let pause):
      var rest = bytes[...]
      while !rest.isEmpty, Self.send(connection, Array(rest.prefix(piece))) {
        rest = rest.dropFirst(piece)
        usleep(UInt32(pause * 1e6))
      }
      return false
    }
  }

  /// What a server should answer.
  package func answer(_ request: Request) -> Reply {
    state.withLock { state in
      switch request.method {
      case "PUT":
        state.stored[request.path] = request.body
        return .answer(201)
      case "GET", "HEAD":
        guard let body = state.stored[request.path] else { return .answer(404) }
        if let range = request.headers["range"], range.hasPrefix("bytes="),
          let start = Int(range.dropFirst(6).prefix { $0 != "-" }), start < body.count
        {
          return .answer(
            206, headers: ["Content-Range: bytes \(start)-\(body.count - 1)/\(body.count)"],
            body: Array(body[start...]))
        }
        return .answer(200, body: body)
      default: return .answer(405)
      }
    }
  }

  /// The head of an answer, with the empty line behind it.
  package static func head(_ status: Int, _ headers: [String]) -> [UInt8] {
    Array((["HTTP/1.1 \(status) Word"] + headers + ["", ""]).joined(separator: "\r\n").utf8)
  }

  private static func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  private static func read(_ connection: Int32, _ number: Int, _ buffer: inout [UInt8]) -> Request? {
    func more() -> Bool {
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let got = recv(connection, &chunk, chunk.count, 0)
      if got > 0 { buffer += chunk[..<got] }
      return got > 0
    }
    var end: Int?
    while end == nil {
      end = buffer.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
      if end == nil, !more() { return nil }
    }
    guard let end else { return nil }
    let lines = String(decoding: buffer[..<(end - 4)], as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ").map(String.init)
    guard words.count == 3 else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    while buffer.count < end + length { if !more() { return nil } }
    let body = Array(buffer[end..<(end + length)])
    buffer.removeFirst(end + length)
    return Request(
      method: words[0], path: words[1], headers: headers, body: body, connection: number, earlier: 0)
  }
}
