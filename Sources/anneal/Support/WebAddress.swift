import Diagnostics
import Glibc

/// An address of plain HTTP: `http://127.0.0.1:8080/hook`.
struct WebAddress {
  let host: String
  let port: String
  let path: String

  /// Nil for anything else, other schemes among it.
  init?(_ text: String) {
    let scheme = "http://"
    guard text.hasPrefix(scheme), !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else { return nil }
    let rest = text.dropFirst(scheme.count)
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
    let parts = rest[..<end].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let host = parts.first, !host.isEmpty, !host.contains("@") else { return nil }
    let port = parts.count == 2 ? String(parts[1]) : "80"
    guard let number = UInt16(port), number > 0 else { return nil }
    self.host = String(host)
    self.port = port
    path = end == rest.endIndex ? "/" : String(rest[end...])
  }

  /// Sends JSON and reads the status.
  ///
  /// - Throws: A diagnostic when nobody answers within `seconds`, or with another status than 2xx.
  func post(_ body: [UInt8], seconds: Int) throws {
    let connection = try connected(seconds)
    defer { close(connection) }
    // Who hangs up must not end this process.
    signal(SIGPIPE, SIG_IGN)
    let head =
      "POST \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    var bytes = (Array(head.utf8) + body)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
      guard sent > 0 else { throw failure("it does not take what is sent") }
      bytes = bytes.dropFirst(sent)
    }
    var answer = [UInt8](repeating: 0, count: 512)
    let got = recv(connection, &answer, answer.count, 0)
    guard got > 0 else { throw failure("it does not answer") }
    // HTTP/1.1 204 No Content
    let line = String(decoding: answer[..<got].prefix { $0 != 13 && $0 != 10 }, as: UTF8.self)
    let words = line.split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/"), words[1].hasPrefix("2") else {
      throw failure("it answers `\(line)`")
    }
  }

  private func connected(_ seconds: Int) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, port, &hints, &found) == 0 else { throw failure("there is no such host") }
    defer { freeaddrinfo(found) }
    var next = found
    while let address = next?.pointee {
      let connection = socket(
        address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), address.ai_protocol)
      if connection >= 0 {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
          setsockopt(connection, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        if connect(connection, address.ai_addr, address.ai_addrlen) == 0 { return connection }
        close(connection)
      }
      next = address.ai_next
    }
    throw failure("nobody listens there")
  }

  private func failure(_ reason: String) -> Diagnostic {
    Diagnostic(code: "notice-failed", "Cannot send a notice to http://\(host):\(port)\(path)", reason: reason)
  }
}
