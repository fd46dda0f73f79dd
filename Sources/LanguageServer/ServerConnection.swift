import Foundation
import PreciseJSON

/// Messages of JSON-RPC over two file handles, each behind its length (Language Server Protocol, base protocol).
final class ServerConnection {
  /// Most bytes of a message; no pipeline file is larger.
  private static let limit = 64 << 20

  private let input: FileHandle
  private let output: FileHandle
  private var buffer: [UInt8] = []

  init(input: FileHandle, output: FileHandle) {
    self.input = input
    self.output = output
  }

  /// The next message; nil at the end of the input, or when what comes is no message.
  func receive() -> JSON? {
    var length: Int?
    while let line = nextLine() {
      if line.isEmpty {
        guard let length, (0...Self.limit).contains(length), let bytes = take(length) else { return nil }
        return (try? JSON(parsing: bytes, file: "message")) ?? .null
      }
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      if parts.count == 2, parts[0].lowercased() == "content-length" { length = Int(parts[1]) }
    }
    return nil
  }

  private func nextLine() -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeFirst(end + 1)
        return line.hasSuffix("\r") ? String(line.dropLast()) : line
      }
      guard buffer.count < 4096, fill() else { return nil }
    }
  }

  private func take(_ count: Int) -> [UInt8]? {
    while buffer.count < count { guard fill() else { return nil } }
    defer { buffer.removeFirst(count) }
    return Array(buffer.prefix(count))
  }

  private func fill() -> Bool {
    let data = input.availableData
    buffer += data
    return !data.isEmpty
  }

  func send(_ message: JSON) {
    let text = message.text()
    try? output.write(contentsOf: Data("Content-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8))
  }
}
