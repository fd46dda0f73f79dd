import Foundation
import Glibc
import Pipeline
import TestKit
import Testing

/// `anneal cache serve`, started as people start it.
@Suite(.serialized) struct CacheServeTests {
  /// A server of its own for one test, killed with the value.
  private final class Server {
    let folder: TemporaryFolder
    let port: Int
    let process: Process
    private let messages: String

    init(_ arguments: String..., environment: [String: String] = [:], in folder: TemporaryFolder? = nil) throws {
      self.folder = try folder ?? TemporaryFolder()
      process = Process()
      process.executableURL = URL(fileURLWithPath: Project.program)
      process.arguments =
        ["cache", "serve", "--folder", self.folder.path("cache"), "--listen", "127.0.0.1:0"] + arguments
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      messages = self.folder.path("messages-\(UUID().uuidString)")
      try Data().write(to: URL(fileURLWithPath: messages))
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: messages))
      process.standardInput = FileHandle.nullDevice
      try process.run()
      var port: Int?
      for _ in 0..<600 where port == nil {
        usleep(50_000)
        let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
        if text.hasSuffix("\n") {
          port = text.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) }
        }
        if !process.isRunning { break }
      }
      guard let port else { throw ToyError(text: (try? String(contentsOfFile: messages, encoding: .utf8)) ?? "") }
      self.port = port
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var address: String { "http://127.0.0.1:\(port)" }
    var said: String { (try? String(contentsOfFile: messages, encoding: .utf8)) ?? "" }

    func ask(_ method: String, _ path: String, _ headers: [String] = [], _ body: [UInt8]? = nil) throws
      -> PlainHTTP.Answer
    {
      try PlainHTTP(port: port).ask(method, path, headers: headers, body: body)
    }

    /// Puts bytes under their digest.
    @discardableResult
    func put(_ bytes: [UInt8], _ headers: [String] = []) throws -> BlobReference {
      let blob = BlobReference(digest: Digest(of: bytes), size: bytes.count)
      let answer = try ask("PUT", "/cas/\(blob.digest.hex)", headers, bytes)
      guard answer.status == 201 else { throw ToyError(text: "\(answer.status) \(answer.text)") }
      return blob
    }

    /// Every file in the folder, by its path there.
    func kept() throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: folder.path("cache")).filter { path in
        try FileSystem().status(folder.path("cache/" + path))?.kind == .file
      }
    }

    var metrics: [String: Int] {
      get throws {
        var found: [String: Int] = [:]
        for line in try ask("GET", "/metrics").text.split(separator: "\n") where !line.hasPrefix("#") {
          let words = line.split(separator: " ")
          if words.count == 2 { found[String(words[0])] = Int(words[1]) }
        }
        return found
      }
    }
  }

  /// An entry as our store and Bazel write it: paths and what stands there.
  private static func entry(_ blobs: [BlobReference], key: Digest) -> [UInt8] {
    ActionResult(files: blobs.enumerated().map { ActionResult.File(path: "file\($0)", blob: $1) }).encoded(for: key)
  }

  private static let name = String(repeating: "a", count: 64)

  // MARK: Sharing

  @Test func twoMachinesRunNothingTwice() throws {
    let server = try Server()
    let project = try Project()
    #expect(try project.anneal("run", "pipeline.yaml", "--cache", server.address).code == 0)
    let expected = try project.digest("sft", "model")
    let other = ["ANNEAL_STORE": project.folder.path("other")]
    let planned = try project.anneal("plan", "pipeline.yaml", "--cache", "ro:\(server.address)", environment: other)
    #expect(planned.output.contains("0 to run, 0 perhaps, 0 cached"), "\(planned.output)")
    let run = try project.anneal("run", "pipeline.yaml", "--cache", "ro:\(server.address)", environment: other)
    #expect(run.code == 0 && run.messages.contains("sft: fetched from `\(server.address)`"), "\(run.messages)")
    #expect(try Set(project.states().values) == ["cached"])
    #expect(try project.digest("sft", "model") == expected)
    // It is the folder that `--cache FOLDER` reads.
    let third = ["ANNEAL_STORE": project.folder.path("third")]
    let folder = "ro:" + server.folder.path("cache")
    #expect(try project.anneal("run", "pipeline.yaml", "--cache", folder, environment: third).code == 0)
    #expect(try Set(project.states().values) == ["cached"])
    let metrics = try server.metrics
    #expect((metrics["anneal_cache_entries"] ?? 0) > 5 && (metrics["anneal_cache_sent_bytes_total"] ?? 0) > 1000)
  }

  // MARK: Requests

  @Test func requestsAreAnsweredAsBazelsClientsExpect() throws {
    let server = try Server("--max-blob", "1MB")
    let bytes = Array("some bytes".utf8)
    let blob = try server.put(bytes)
    let path = "/cas/\(blob.digest.hex)"
    #expect(try server.ask("GET", path).body == bytes)
    let head = try server.ask("HEAD", path)
    #expect(head.status == 200 && head.headers["content-length"] == "10" && head.body.isEmpty)
    let rest = try server.ask("GET", path, ["Range: bytes=5-"])
    #expect(rest.status == 206 && rest.text == "bytes" && rest.headers["content-range"] == "bytes 5-9/10")
    #expect(try server.ask("GET", path, ["Range: bytes=2-4"]).body == bytes, "what it does not know it sends whole")

    let cases: [(method: String, path: String, headers: [String], body: [UInt8]?, status: Int)] = [
      ("GET", "/cas/\(Self.name)", [], nil, 404),
      ("HEAD", "/cas/\(Self.name)", [], nil, 404),
      ("GET", "/ac/\(Self.name)", [], nil, 404),
      ("PUT", "/cas/\(Self.name)", [], bytes, 400),
      ("PUT", "/ac/\(Self.name)", [], Array("no entry".utf8), 400),
      ("PUT", "/cas/\(Self.name)", ["Transfer-Encoding: chunked"], nil, 411),
      ("PUT", "/cas/\(Self.name)", [], [UInt8](repeating: 0, count: 1_000_001), 413),
      ("PUT", "/ac/\(Self.name)", [], [UInt8](repeating: 0, count: (4 << 20) + 1), 413),
      ("DELETE", path, [], nil, 405),
      ("POST", path, [], bytes, 405),
      ("GET", "/cas/\(blob.digest.hex.uppercased())", [], nil, 400),
      ("GET", "/cas/\(blob.digest.hex)0", [], nil, 400),
      ("GET", "/cas/", [], nil, 400),
      ("GET", "/cas/../ac/\(Self.name)", [], nil, 400),
      ("GET", "/cas/..%2f..%2fetc%2fpasswd", [], nil, 400),
      ("GET", "/cas/../../../../etc/passwd", [], nil, 400),
      ("PUT", "/cas/../../\(Self.name)", [], bytes, 400),
      ("GET", "/../../etc/passwd", [], nil, 404),
      ("GET", "/tmp/x", [], nil, 404),
      ("PUT", "/pins/\(Self.name)", [], [], 404),
      ("PUT", "/health", [], [], 404),
      ("GET", "/", [], nil, 404),
      ("GET", "/health", [], nil, 200),
    ]
    let before = try server.kept()
    for (method, path, headers, body, status) in cases {
      let connection = try PlainHTTP(port: server.port)
      let answer: PlainHTTP.Answer
      if headers == ["Transfer-Encoding: chunked"] {
        _ = connection.send(
          Array("\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(headers[0])\r\n\r\n1\r\nx\r\n0\r\n\r\n".utf8))
        answer = try connection.answer()
      } else {
        answer = try connection.ask(method, path, headers: headers, body: body)
      }
      #expect(answer.status == status, "\(method) \(path): \(answer.status) \(answer.text)")
    }
    #expect(try server.kept() == before, "nothing of what was refused is kept")
    // A body that breaks off.
    do {
      let connection = try PlainHTTP(port: server.port)
      _ = connection.send(Array("PUT /cas/\(Self.name) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".utf8))
    }
    for _ in 0..<100 where try server.kept() != before { usleep(50_000) }
    #expect(try server.kept() == before)
    #expect(try server.ask("GET", "/health", ["X: " + String(repeating: "x", count: 70_000)]).status >= 400)
    #expect(try server.ask("GET", "/health").status == 200)
  }

  /// A body after HEAD would be read as the beginning of the next answer.
  @Test func whateverIsAnsweredToHEADHasNoBody() throws {
    let open = try Server()
    let closed = try Server(environment: ["ANNEAL_CACHE_WRITE_TOKEN": "make"])
    let bytes: [UInt8] = [1, 2, 3]
    let place = "/cas/\(Digest(of: bytes).hex)"
    for (server, path, status) in [
      (open, "/cas/\(Self.name)", 404), (open, "/ac/\(Self.name)", 404), (open, "/cas/x", 400), (open, "/nothing", 404),
      (open, "/health", 200), (open, "/metrics", 200), (closed, "/cas/\(Self.name)", 401),
    ] {
      let connection = try PlainHTTP(port: server.port)
      #expect(try connection.ask("HEAD", path).status == status, "\(path)")
      let put = try connection.ask("PUT", place, headers: ["Authorization: Bearer make"], body: bytes)
      #expect(put.status == 201, "\(path)")
      #expect(try connection.ask("GET", place, headers: ["Authorization: Bearer make"]).body == bytes, "\(path)")
    }
  }

  @Test func anEntryIsThereWhenAllThatItNamesIs() throws {
    let server = try Server()
    let blobs = try [server.put([1]), server.put([2, 2])]
    let missing = BlobReference(digest: Digest(of: [UInt8](repeating: 9, count: 9)), size: 9)
    let key = Digest(of: [7])
    let path = "/ac/\(key.hex)"
    #expect(try server.ask("PUT", path, [], Self.entry(blobs, key: key)).status == 201)
    #expect(try server.ask("GET", path).body == Self.entry(blobs, key: key))
    #expect(try server.ask("PUT", path, [], Self.entry(blobs + [missing], key: key)).status == 201)
    #expect(try server.ask("HEAD", path).status == 404)
    #expect(try server.ask("GET", path).status == 404)
    // A blob of another size than the entry says is another one.
    let other = BlobReference(digest: blobs[0].digest, size: 2)
    #expect(try server.ask("PUT", path, [], Self.entry([other], key: key)).status == 201)
    #expect(try server.ask("GET", path).status == 404)
    // Nothing is there by definition.
    let nothing = BlobReference(digest: Digest(of: []), size: 0)
    #expect(try server.ask("PUT", path, [], Self.entry([nothing], key: key)).status == 201)
    #expect(try server.ask("GET", path).status == 200)

    // A folder of Bazel's: the entry names a list, which names a file.
    func tree(_ file: BlobReference) -> [UInt8] {
      var writer = ProtobufWriter()
      writer.message(1) { folder in
        folder.message(1) { node in
          node.data(1, "name".utf8)
          node.message(2) { digest in
            digest.data(1, file.digest.hex.utf8)
            digest.integer(2, file.size)
          }
        }
      }
      return writer.bytes
    }
    func result(_ tree: BlobReference) -> [UInt8] {
      var writer = ProtobufWriter()
      writer.message(3) { folder in
        folder.data(1, "out".utf8)
        folder.message(3) { digest in
          digest.data(1, tree.digest.hex.utf8)
          digest.integer(2, tree.size)
        }
      }
      return writer.bytes
    }
    for (file, status) in [(blobs[0], 200), (missing, 404)] {
      let list = try server.put(tree(file))
      #expect(try server.ask("PUT", path, [], result(list)).status == 201)
      #expect(try server.ask("GET", path).status == status)
    }
    // What other tools keep there is taken where that is wanted.
    let any = try Server("--any-entries")
    #expect(try any.ask("PUT", path, [], Array("no entry".utf8)).status == 201)
    #expect(try any.ask("GET", path).text == "no entry")
  }

  // MARK: Who may

  @Test func tokensSayWhoMayTakeAndPut() throws {
    let folder = try TemporaryFolder()
    let tokens = try folder.write("# those who look\nread look-only\n\nread_write maker\n", to: "tokens")
    let server = try Server("--tokens", tokens, environment: ["ANNEAL_CACHE_READ_TOKEN": "from-outside"], in: folder)
    let bytes: [UInt8] = [1, 2, 3]
    let path = "/cas/\(Digest(of: bytes).hex)"
    func basic(_ text: String) -> [String] { ["Authorization: Basic \(Data(text.utf8).base64EncodedString())"] }
    func bearer(_ text: String) -> [String] { ["Authorization: Bearer \(text)"] }
    for (headers, status) in [
      ([], 401), (bearer("wrong"), 401), (bearer("look-only"), 403), (basic("me:look-only"), 403),
      (bearer("from-outside"), 403), (["Authorization: maker"], 401), (bearer("maker"), 201), (basic("me:maker"), 201),
    ] {
      #expect(try server.ask("PUT", path, headers, bytes).status == status, "\(headers)")
    }
    for (headers, status) in [
      ([], 401), (bearer("wrong"), 401), (bearer("look-only"), 200), (basic("me:look-only"), 200),
      (bearer("from-outside"), 200), (bearer("maker"), 200),
    ] {
      #expect(try server.ask("GET", path, headers).status == status, "\(headers)")
      #expect(try server.ask("GET", "/metrics", headers).status == status, "\(headers)")
    }
    #expect(try server.ask("GET", "/health").status == 200)
    #expect(try server.ask("GET", path).headers["www-authenticate"]?.contains("Bearer") == true)

    let open = try Server("--tokens", tokens, "--open")
    #expect(try open.ask("PUT", path, [], bytes).status == 401)
    #expect(try open.ask("PUT", path, bearer("maker"), bytes).status == 201)
    #expect(try open.ask("GET", path).status == 200)
  }

  @Test func aReadOnlyTokenThatPutsIsSaidInTheSummary() throws {
    let server = try Server(environment: ["ANNEAL_CACHE_READ_TOKEN": "look", "ANNEAL_CACHE_WRITE_TOKEN": "make"])
    let project = try Project()
    try project.edit(
      "nodes:\n", "cache: {url: \"\(server.address)\", mode: read_write, bearer: $CACHE_TOKEN}\nnodes:\n")
    let refused = try project.anneal("run", "pipeline.yaml", "tokenizer", environment: ["CACHE_TOKEN": "look"])
    #expect(refused.code == 0)
    #expect(
      refused.messages.contains(
        "not shared: `tokenizer` (`\(server.address)`: it does not allow that with these credentials (403))"),
      "\(refused.messages)")
    #expect(try server.kept().isEmpty)
    let without = try project.anneal("run", "pipeline.yaml", "rows")
    #expect(without.code == 0)
    #expect(without.messages.contains("is left out"), "\(without.messages)")
    #expect(without.messages.contains("the environment variable `CACHE_TOKEN` is not set"), "\(without.messages)")
    let made = try project.anneal(
      "run", "pipeline.yaml", "rows", "--force", "rows", environment: ["CACHE_TOKEN": "make"])
    #expect(made.code == 0 && !made.messages.contains("not shared"), "\(made.messages)")
    #expect(try server.kept().contains { $0.hasPrefix("ac/") })
  }

  @Test(arguments: ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.org:80"])
  func othersReachItOnlyWhereThatIsSaid(address: String) throws {
    let outcome = try Project().anneal("cache", "serve", "--folder", "cache", "--listen", address)
    #expect(outcome.code == 2)
    #expect(outcome.messages.contains("could put results there"), "\(outcome.messages)")
  }

  @Test func aLineOfTokensThatIsWrongIsNamedAndNotRepeated() throws {
    let project = try Project()
    try project.folder.write("read ok\nwrite very-secret\n", to: "tokens")
    let outcome = try project.anneal("cache", "serve", "--folder", "cache", "--tokens", "tokens")
    #expect(outcome.code == 2 && outcome.messages.contains("tokens:2"), "\(outcome.messages)")
    #expect(!outcome.messages.contains("very-secret"))
  }

  // MARK: Room

  @Test func whatNobodyAskedForLongestGoesAndWhatIsPinnedStays() throws {
    let server = try Server("--size", "1MB")
    func bytes(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 200_000) }
    let pinned = try server.put(bytes(0))
    let key = Digest(of: [1])
    #expect(try server.ask("PUT", "/ac/\(key.hex)", [], Self.entry([pinned], key: key)).status == 201)
    try Data().write(to: URL(fileURLWithPath: server.folder.path("cache/pins/\(key.hex)")))
    let blobs = try (1...3).map { try server.put(bytes($0)) }
    #expect(try server.ask("GET", "/cas/\(blobs[0].digest.hex)").status == 200)
    let more = try (4...5).map { try server.put(bytes($0)) }
    func isThere(_ blob: BlobReference) throws -> Bool {
      try server.ask("HEAD", "/cas/\(blob.digest.hex)").status == 200
    }
    #expect(try isThere(pinned), "it is pinned")
    #expect(try server.ask("GET", "/ac/\(key.hex)").status == 200)
    #expect(try isThere(blobs[0]), "it was asked for")
    #expect(try !isThere(blobs[1]))
    #expect(try isThere(more[1]))
    #expect((try server.metrics["anneal_cache_stored_bytes"] ?? .max) <= 1_000_000)
    #expect((try server.metrics["anneal_cache_evicted_files_total"] ?? 0) >= 1)
    #expect(try server.ask("PUT", "/cas/\(Self.name)", [], [UInt8](repeating: 1, count: 1_000_001)).status == 413)
    #expect(try server.ask("PUT", "/cas/\(Self.name)", [], [UInt8](repeating: 1, count: 900_000)).status == 507)
  }

  @Test func largeBlobsTakeNoMemory() throws {
    let server = try Server()
    let size = 192 << 20
    let bytes = [UInt8](repeating: 3, count: size)
    let blob = try server.put(bytes)
    let answer = try server.ask("GET", "/cas/\(blob.digest.hex)")
    #expect(answer.status == 200 && answer.body.count == size)
    #expect(Digest(of: answer.body) == blob.digest)
    let status = try String(contentsOfFile: "/proc/\(server.process.processIdentifier)/status", encoding: .utf8)
    let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    let kilobytes = Int(peak.filter(\.isNumber)) ?? .max
    #expect(kilobytes < 128 << 10, "\(peak)")
  }

  // MARK: The end

  @Test func whatIsUnderWayEndsBeforeItStops() throws {
    let server = try Server()
    let bytes = [UInt8](repeating: 5, count: 100_000)
    let connection = try PlainHTTP(port: server.port)
    let digest = Digest(of: bytes).hex
    _ = connection.send(
      Array("PUT /cas/\(digest) HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8) + bytes.prefix(10))
    usleep(300_000)
    kill(server.process.processIdentifier, SIGTERM)
    usleep(300_000)
    #expect(server.process.isRunning)
    _ = connection.send(Array(bytes.dropFirst(10)))
    #expect(try connection.answer().status == 201)
    server.process.waitUntilExit()
    #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
    #expect(server.said.contains("stopped"))
    #expect(FileManager.default.fileExists(atPath: server.folder.path("cache/cas/\(digest.prefix(2))/\(digest)")))
  }

  @Test func aPortThatIsTakenIsSaid() throws {
    let server = try Server()
    let outcome = try Project().anneal("cache", "serve", "--folder", "cache", "--listen", "127.0.0.1:\(server.port)")
    #expect(outcome.code == 1)
    #expect(outcome.messages.contains("Cannot listen on `127.0.0.1:\(server.port)`"), "\(outcome.messages)")
  }

  /// HTTPS with a certificate that the client is told of, and with one of the client's own.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl makes the certificates"))
  func certificatesAreChecked() throws {
    let project = try Project()
    let make = Process()
    make.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    make.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
      "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
      project.folder.path("key.pem"),
      "-out", project.folder.path("certificate.pem"),
    ]
    make.standardError = FileHandle.nullDevice
    try make.run()
    make.waitUntilExit()
    let server = try Server(
      "--certificate", project.folder.path("certificate.pem"), "--key", project.folder.path("key.pem"), "--client-ca",
      project.folder.path("certificate.pem"))
    let address = "https://127.0.0.1:\(server.port)"
    func run(_ more: String) throws -> Project.Outcome {
      try project.folder.write(
        "cache: {url: \"\(address)\", mode: read_write\(more)}\n", to: "config/anneal/config.yaml")
      return try project.anneal(
        "run", "pipeline.yaml", "tokenizer", "--force", "tokenizer",
        environment: ["XDG_CONFIG_HOME": project.folder.path("config")])
    }
    for more in ["", ", ca: ../../certificate.pem"] {
      let refused = try run(more)
      #expect(refused.code == 0 && refused.messages.contains("not shared: `tokenizer`"), "\(more) \(refused.messages)")
    }
    #expect(try server.kept().isEmpty)
    let shared = try run(", ca: ../../certificate.pem, certificate: ../../certificate.pem, key: ../../key.pem")
    #expect(shared.code == 0 && !shared.messages.contains("not shared"), "\(shared.messages)")
    #expect(try !server.kept().isEmpty)
  }
}
