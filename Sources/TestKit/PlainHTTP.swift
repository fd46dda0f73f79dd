import Foundation
import Glibc

/// A connection to a server on this machine that says exactly what a test wants said.
package final class PlainHTTP {
  package struct Answer {
    package var status: Int
    /// Names in small letters.
    package var headers: [String: String]
    package var body: [UInt8]
    package var text: String { String(decoding: body, as: UTF8.self) }
  }

  private let connection: Int32
  private var buffer: [UInt8] = []

  package init(port: Int) throws {
    connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else { throw ToyError(text: "nobody listens on port \(port)") }
  }

  deinit { close(connection) }

  package func send(_ bytes: some Sequence<UInt8>) -> Bool {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  /// A request and its answer.
  package func ask(
    _ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil
  ) throws -> Answer {
    let length = body.map { ["Content-Length: \($0.count)"] } ?? []
    let head = (["\(method) \(path) HTTP/1.1", "Host: localhost"] + headers + length + ["", ""]).joined(
      separator: "\r\n")
    _ = send(Array(head.utf8) + (body ?? []))
    return try answer(isBodiless: method == "HEAD")
  }

  /// Reads an answer.
  package func answer(isBodiless: Bool = false) throws -> Answer {
    while true {
      if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
        let lines = String(decoding: buffer[..<(end - 4)], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          let parts = line.split(separator: ":", maxSplits: 1)
          if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
        }
        let length = isBodiless ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        while buffer.count < end + length { try more() }
        let body = Array(buffer[end..<(end + length)])
        buffer.removeFirst(end + length)
        let words = lines[0].split(separator: " ")
        return Answer(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, headers: headers, body: body)
      }
      try more()
    }
  }

  private func more() throws {
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    let got = recv(connection, &chunk, chunk.count, 0)
    guard got > 0 else { throw ToyError(text: "the connection ended") }
    buffer += chunk[..<got]
  }
}
