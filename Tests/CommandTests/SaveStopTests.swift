import Dispatch
import Foundation
import Glibc
import PreciseJSON
import TestKit
import Testing

/// A run is asked to save, to stop, and says when it has ended.
@Suite(.serialized) struct SaveStopTests {
  /// Waits until something holds, half a minute at most.
  private func wait(_ holds: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<600 {
      if try holds() { return true }
      usleep(50_000)
    }
    return false
  }

  private func checkpoints(_ project: Project) -> [String] {
    let store = project.folder.path("store")
    return (FileManager.default.enumerator(atPath: store)?.compactMap { $0 as? String } ?? [])
      .filter { $0.hasSuffix(".safetensors") && $0.contains("/checkpoint-") }
  }

  @Test func savesAndStopsOnRequest() throws {
    let project = try Project(rows: 8)
    try project.edit("epochs: 3, ", "max_steps: 1000000, ")
    try project.edit("save_every: 1}", "save_every: 1000000}")
    let (process, outcome) = try project.start(["run", "pipeline.yaml", "sft"])
    defer { if process.isRunning { process.terminate() } }
    func log() -> String { (try? project.anneal("logs", "sft"))?.output ?? "" }
    func events() -> String {
      let runs = project.folder.path(".anneal/runs")
      let files = FileManager.default.enumerator(atPath: runs)?.compactMap { $0 as? String } ?? []
      return files.filter { $0.hasSuffix("events.jsonl") }
        .compactMap { try? String(contentsOfFile: "\(runs)/\($0)", encoding: .utf8) }.joined()
    }
    #expect(wait { events().contains(#""total":1000000"#) }, "\(events())")
    #expect(checkpoints(project).isEmpty)
    let saved = try project.anneal("save")
    #expect(saved.code == 0, "\(saved.messages)")
    #expect(wait { checkpoints(project).count == 1 })
    #expect(log().contains("saves a checkpoint, as asked for"))
    #expect(process.isRunning)
    let stopped = try project.anneal("stop", "last")
    #expect(stopped.messages.contains("finishes its steps, saves and stops"))
    #expect(outcome().code == 75)
    #expect(checkpoints(project).count == 2)
    let late = try project.anneal("stop")
    #expect(late.code == 2)
    #expect(late.messages.contains("is not running"), "\(late.messages)")
    #expect(late.messages.contains("it ended as `interrupted`"), "\(late.messages)")
  }

  @Test func saysWhenARunHasEnded() throws {
    let project = try Project(rows: 8)
    let server = try Listener()
    let outcome = try project.start([
      "run", "pipeline.yaml", "tokens", "--notify",
      "exec:cat > said.json; echo \"$ANNEAL_STATE $ANNEAL_TEXT\" > said.txt",
      "--notify", "http://127.0.0.1:\(server.port)/hook?x=1",
    ]).1()
    #expect(outcome.code == 0, "\(outcome.messages)")
    let said = try JSON(
      parsing: String(contentsOfFile: project.folder.path("said.json"), encoding: .utf8), file: "said.json")
    #expect(said["state"]?.string == "done")
    #expect(said["pipeline"]?.string == "tiny")
    let text = try String(contentsOfFile: project.folder.path("said.txt"), encoding: .utf8)
    #expect(text.hasPrefix("done tiny: done after "))
    let request = server.request()
    #expect(request.hasPrefix("POST /hook?x=1 HTTP/1.1\r\n"))
    #expect(request.contains("Content-Type: application/json\r\n"))
    #expect(request.hasSuffix(said.text()))
  }

  /// A notice that fails changes nothing of the run.
  @Test func aNoticeThatFailsIsAWarning() throws {
    let project = try Project(rows: 8)
    let outcome = try project.start([
      "run", "pipeline.yaml", "tokenizer", "--notify", "exec:exit 3", "--notify", "http://127.0.0.1:9/",
    ]).1()
    #expect(outcome.code == 0)
    #expect(outcome.messages.contains("warning: `--notify` command failed with exit code 3"), "\(outcome.messages)")
    #expect(outcome.messages.contains("Cannot send a notice to http://127.0.0.1:9/"), "\(outcome.messages)")
    let wrong = try project.anneal("run", "pipeline.yaml", "--notify", "https://127.0.0.1/")
    #expect(wrong.code == 2)
  }
}

/// A server on 127.0.0.1 that takes one request and answers it.
private final class Listener: @unchecked Sendable {
  let port: Int
  private let socket: Int32

  init() throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.socket = socket
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var bound = false
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bound = bind(socket, $0, length) == 0 && listen(socket, 1) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard bound else { throw FixtureError(text: "no port on 127.0.0.1") }
    port = Int(UInt16(bigEndian: address.sin_port))
    var time = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    Thread.detachNewThread { [self] in serve() }
  }

  /// Written before `done` is signalled, read after.
  private var taken = ""
  private let done = DispatchSemaphore(value: 0)

  private func serve() {
    let connection = accept(socket, nil, nil)
    defer {
      close(connection)
      close(socket)
      done.signal()
    }
    guard connection >= 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var text = ""
    // The body follows the head at once, maybe in another piece.
    while !text.hasSuffix("}") {
      let got = recv(connection, &bytes, bytes.count, 0)
      guard got > 0 else { break }
      text += String(decoding: bytes[..<got], as: UTF8.self)
    }
    taken = text
    let answer = Array("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n".utf8)
    _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
  }

  func request() -> String {
    _ = done.wait(timeout: .now() + 20)
    return taken
  }
}
