import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// Results that go from one store to another through a cache by HTTP that does as it should, and through one that does not.
@Suite("HTTP caches") struct HTTPRemoteTests {
  private let workspace: ToyWorkspace
  private let server: ToyCacheServer

  init() throws {
    workspace = try ToyWorkspace()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
    server = try ToyCacheServer()
  }

  /// - Parameter idle: Seconds without anything moving before it is given up.
  private func remotes(_ prefix: String = "", idle: Double = 60) throws -> RemoteCaches {
    let settings = try CacheSettings(prefix + server.address)
    let address = try #require(settings.url)
    return RemoteCaches([try HTTPRemote(settings, at: address, patience: (idle, 5))])
  }

  @discardableResult
  private func run(
    _ who: ToyWorkspace, _ remotes: RemoteCaches, sinks: [any EventSink] = []
  ) throws -> RunSummary {
    try who.run(
      chain.replacingOccurrences(of: "DIR", with: workspace.folder.path), store: who.reopened(), remotes: remotes,
      sinks: sinks)
  }

  // MARK: As it should

  @Test func anotherStoreRunsNothingAndGetsTheSameBytes() throws {
    let first = try run(workspace, remotes())
    #expect(first.nodes.allSatisfy { $0.notShared.isEmpty })
    #expect(
      server.stored.keys.contains { $0.hasPrefix("/ac/") } && server.stored.keys.contains { $0.hasPrefix("/cas/") })
    // Blobs go before the entries that name them, and nothing goes that is there.
    let puts = server.requests.filter { $0.method == "PUT" }.map(\.path)
    #expect(Set(puts).count == puts.count)
    #expect(server.requests.allSatisfy { $0.headers["expect"] == nil && $0.headers["transfer-encoding"] == nil })
    let other = try ToyWorkspace()
    server.forgetRequests()
    let second = try run(other, remotes("ro:"))
    #expect(try other.executed() == [])
    #expect(second["end"]?.result?.digests == first["end"]?.result?.digests)
    #expect(try other.text(second, "end", store: other.reopened()) == workspace.text(first, "end"))
    #expect(server.requests.allSatisfy { $0.method == "GET" })
    // All over a few connections that stay open.
    #expect(server.connections <= 10)
  }

  @Test func aRunThatFindsEverythingTouchesNoNetwork() throws {
    try run(workspace, RemoteCaches())
    let summary = try run(workspace, remotes())
    #expect(summary.state == .done)
    #expect(server.connections == 0)
  }

  @Test func aPlanAsksForEntriesAlone() throws {
    try run(workspace, remotes())
    server.forgetRequests()
    let other = try ToyWorkspace()
    let pipeline = try other.pipeline(
      chain.replacingOccurrences(of: "DIR", with: workspace.folder.path), store: other.reopened())
    let plan = try Planner(store: other.reopened(), remotes: remotes("ro:")).plan(pipeline)
    #expect(plan.fetched.count == plan.nodes.count)
    #expect(server.requests.allSatisfy { $0.path.hasPrefix("/ac/") })
  }

  // MARK: Answers that cannot be used

  /// What a misbehaving server answers to a request for a blob that it has.
  private static let bodies: [(name: String, reply: @Sendable ([UInt8]) -> ToyCacheServer.Reply)] = [
    ("204", { _ in .answer(204) }),
    ("401", { _ in .answer(401) }),
    ("404", { _ in .answer(404) }),
    ("405", { _ in .answer(405) }),
    ("500", { _ in .answer(500) }),
    ("507", { _ in .answer(507) }),
    ("a redirect", { _ in .answer(302, headers: ["Location: http://127.0.0.1:9/elsewhere"]) }),
    ("a flipped bit", { body in .answer(200, body: body.prefix(1).map { $0 ^ 1 } + body.dropFirst()) }),
    ("less than it has", { body in .answer(200, body: Array(body.dropLast())) }),
    ("more than it has", { body in .answer(200, body: body + [0]) }),
    ("an end in the middle", { body in .bytes(length(body.count) + body.dropLast()) }),
    ("a length too small", { body in .bytes(length(body.count - 1) + body) }),
    ("a length too large", { body in .bytes(length(body.count + 1) + body) }),
    ("no length, and an end in the middle", { body in .bytes(ToyCacheServer.head(200, []) + body.dropLast()) }),
    (
      "two lengths",
      { body in
        .bytes(ToyCacheServer.head(200, ["Content-Length: \(body.count)", "Content-Length: 1"]) + body)
      }
    ),
    (
      "something packed",
      { _ in
        .answer(
          200, headers: ["Content-Encoding: gzip"],
          body: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
      }
    ),
    ("no HTTP", { _ in .bytes(Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8)) }),
    ("nothing", { _ in .bytes([]) }),
    ("a head without an end", { _ in .bytes(Array("HTTP/1.1 200 OK\r\nX: ".utf8)) }),
    (
      "a head of a megabyte",
      { _ in .bytes(ToyCacheServer.head(200, ["X: " + String(repeating: "x", count: 1 << 20)])) }
    ),
    (
      "a chunked body that breaks off",
      { _ in
        .bytes(ToyCacheServer.head(200, ["Transfer-Encoding: chunked"]) + Array("5\r\nhello\r\n".utf8))
      }
    ),
  ]

  private static func length(_ count: Int) -> [UInt8] { ToyCacheServer.head(200, ["Content-Length: \(count)"]) }

  /// Every blob, and then every entry, answered wrongly: what is made is right, and the cache is left alone soon.
  @Test(arguments: bodies.indices, ["/cas/", "/ac/"])
  func aWrongAnswerCostsTimeAndNoResult(index: Int, area: String) throws {
    let first = try run(workspace, remotes())
    let other = try ToyWorkspace()
    let reply = Self.bodies[index].reply
    let name = Self.bodies[index].name
    server.misbehave { [server] request in
      guard request.method == "GET", request.path.hasPrefix(area) else { return nil }
      return server.stored[request.path].map(reply) ?? .answer(404)
    }
    server.forgetRequests()
    let remotes = try remotes("ro:")
    let summary = try run(other, remotes)
    #expect(summary.state == .done, "\(name)")
    #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests, "\(name)")
    #expect(try Set(other.executed()) == Set(summary.nodes.map(\.name)), "\(name)")
    let gone = ["204", "404"].contains(name) && area == "/ac/"
    #expect(remotes.troubles.count == (gone ? 0 : 1), "\(name): \(remotes.troubles)")
    #expect(remotes.troubles.allSatisfy { $0.failures <= 3 && !($0.reason + $0.damage).isEmpty })
  }

  @Test func whatIsNotMovedIsGivenUp() throws {
    let first = try run(workspace, remotes())
    let body = [UInt8](repeating: 7, count: 1 << 20)
    let cases: [(String, ToyCacheServer.Reply)] = [
      ("no answer", .silence()),
      ("half a head", .silence(after: Array("HTTP/1.1 200 OK\r\n".utf8))),
      ("half a body", .silence(after: Self.length(1000) + [1, 2, 3])),
      ("a drip", .drip(Self.length(body.count) + body, piece: 5, pause: 0.05)),
    ]
    for (name, reply) in cases {
      let other = try ToyWorkspace()
      server.misbehave { $0.path.hasPrefix("/ac/") ? reply : nil }
      let start = Date()
      let remotes = try remotes("ro:", idle: 0.4)
      let summary = try run(other, remotes)
      #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
      #expect(remotes.troubles.first?.isLeftAlone == true, "\(name): \(remotes.troubles)")
      // Who says nothing at all is asked once, by as many nodes as run side by side then.
      if name == "no answer" { #expect((remotes.troubles.first?.failures ?? 9) < 3) }
      #expect(Date().timeIntervalSince(start) < 30, "\(name)")
    }
  }

  @Test func anEndlessBodyIsCutWhereItIsTooLong() throws {
    try run(workspace, remotes())
    let megabytes = [UInt8](repeating: 7, count: 64 << 20)
    server.misbehave { request in
      request.method == "GET" && request.path.hasPrefix("/cas/")
        ? .bytes(ToyCacheServer.head(200, []) + megabytes) : nil
    }
    let remotes = try remotes("ro:")
    let other = try ToyWorkspace()
    #expect(try run(other, remotes).state == .done)
    #expect(remotes.troubles.first?.damage.contains("more than the") == true, "\(remotes.troubles)")
  }

  // MARK: Another try

  /// One failure of every request: the second try is over a new connection, and nothing runs.
  @Test(arguments: ["401", "500", "503", "nothing", "an end in the middle"])
  func aFailureHasAnotherTryOverANewConnection(fault: String) throws {
    let first = try run(workspace, remotes())
    let other = try ToyWorkspace()
    server.forgetRequests()
    server.misbehave { [server] request in
      guard request.method == "GET", request.earlier == 0, let body = server.stored[request.path], body.count > 2 else {
        return nil
      }
      switch fault {
      case "nothing": return .bytes([])
      case "an end in the middle": return .bytes(Self.length(body.count) + body.prefix(2))
      default: return .answer(Int(fault) ?? 500)
      }
    }
    let remotes = try remotes("ro:")
    let summary = try run(other, remotes)
    #expect(try other.executed() == [])
    #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
    #expect(remotes.troubles.isEmpty, "\(remotes.troubles)")
    let again = server.requests.filter { $0.earlier == 1 }
    #expect(!again.isEmpty)
    #expect(Set(again.map(\.connection)).count == again.count, "a connection of its own each")
    if fault == "an end in the middle" {
      #expect(again.filter { $0.path.hasPrefix("/cas/") }.allSatisfy { $0.headers["range"] == "bytes=2-" })
      #expect(again.filter { $0.path.hasPrefix("/ac/") }.allSatisfy { $0.headers["range"] == nil })
    }
  }

  /// A server that knows no ranges, or sends the wrong one, sends the whole once more.
  @Test(arguments: ["the whole", "another part", "416"])
  func theRestOfABlobMayComeFromItsStart(answer: String) throws {
    try run(workspace, remotes())
    let other = try ToyWorkspace()
    server.misbehave { [server] request in
      guard request.method == "GET", request.path.hasPrefix("/cas/"), let body = server.stored[request.path],
        body.count > 2
      else { return nil }
      if request.earlier == 0 { return .bytes(Self.length(body.count) + body.prefix(2)) }
      guard request.headers["range"] != nil else { return .answer(200, body: body) }
      switch answer {
      case "another part":
        return .answer(
          206, headers: ["Content-Range: bytes 1-\(body.count - 1)/\(body.count)"], body: Array(body.dropFirst()))
      case "416": return .answer(416)
      default: return .answer(200, body: body)
      }
    }
    let remotes = try remotes("ro:")
    #expect(try run(other, remotes).state == .done)
    // Where only the second try could be had it is made here.
    if answer == "the whole" { #expect(try other.executed() == [] && remotes.troubles.isEmpty) }
  }

  /// Bytes that are not what their name says are no failure of the cache: all else that it has is taken.
  @Test func damagedResultsSwitchNoCacheOff() throws {
    try run(workspace, remotes())
    let entries = server.stored.keys.filter { $0.hasPrefix("/ac/") }.sorted()
    #expect(entries.count > 4)
    let kept = try #require(entries.last)
    for entry in entries.dropLast() { server.stored[entry] = [1, 2, 3] }
    let other = try ToyWorkspace()
    let remotes = try remotes()
    let summary = try run(other, remotes)
    #expect(summary.nodes.contains { "/ac/\($0.key?.hex ?? "")" == kept && $0.state == .cached })
    let trouble = try #require(remotes.troubles.first)
    #expect(trouble.failures == 0 && !trouble.isLeftAlone && trouble.damages > 3, "\(trouble)")
    #expect(trouble.damage.contains("is not what was published under its key"), "\(trouble)")
    let next = try ToyWorkspace()
    try run(next, self.remotes("ro:"))
    #expect(try next.executed() == [], "they were put there anew")
  }

  @Test func aBlobOfAnotherSizeIsPutAnew() throws {
    let summary = try run(workspace, remotes())
    let before = server.stored
    for (path, body) in before where path.hasPrefix("/cas/") { server.stored[path] = Array(body.dropLast()) }
    let result = try #require(summary["end"]?.result)
    #expect(try remotes().share(result, of: workspace.reopened()) == .shared)
    for member in result.outputs.values.flatMap(\.members) {
      let path = "/cas/\(member.blob.digest.hex)"
      #expect(server.stored[path] == before[path], "\(member.path)")
    }
  }

  @Test func whoeverCannotBeReachedIsNotAskedForLong() throws {
    let settings = try CacheSettings(server.address)
    let remotes = RemoteCaches([try HTTPRemote(settings, at: #require(settings.url), patience: (60, 1))])
    server.end()
    let start = Date()
    let summary = try run(workspace, remotes)
    #expect(summary.state == .done)
    #expect(
      remotes.troubles.first?.reason.contains("it cannot be reached: Connection refused") == true, "\(remotes.troubles)"
    )
    #expect(Date().timeIntervalSince(start) < 10)
    #expect(summary.nodes.allSatisfy { !$0.notShared.isEmpty }, "what could not be shared is in the summary")
  }

  // MARK: Putting

  @Test(arguments: [
    (403, "it does not allow that"), (405, "it does not take such"), (413, "too large"), (507, "it is full"),
  ])
  func aRefusedBlobIsSaidAndItsEntryIsNotPut(status: Int, words: String) throws {
    server.misbehave { request in
      request.method == "PUT" && request.path.hasPrefix("/cas/") ? .answer(status, body: Array("no".utf8)) : nil
    }
    let remotes = try remotes()
    let summary = try run(workspace, remotes)
    #expect(summary.state == .done)
    #expect(summary["end"]?.notShared.isEmpty == false)
    #expect(summary.nodes.flatMap(\.notShared).contains { $0.contains(words) }, "\(summary.nodes.map(\.notShared))")
    #expect(!server.requests.contains { $0.method == "PUT" && $0.path.hasPrefix("/ac/") })
  }

  @Test func aServerWithoutHEADIsGivenEverything() throws {
    server.misbehave { $0.method == "HEAD" ? .answer(405) : nil }
    let remotes = try remotes()
    let summary = try run(workspace, remotes)
    #expect(summary.nodes.allSatisfy { $0.notShared.isEmpty })
    let other = try ToyWorkspace()
    try run(other, remotes)
    #expect(try other.executed() == [])
  }

  /// An early no and a closed connection while a large body is on its way.
  @Test func aNoInTheMiddleOfALargeBodyIsHeard() throws {
    let settings = try CacheSettings(server.address)
    let remote = try HTTPRemote(settings, at: #require(settings.url))
    let file = workspace.folder.path("large")
    try Data(repeating: 1, count: 8 << 20).write(to: URL(fileURLWithPath: file))
    server.misbehave { $0.method == "PUT" ? .answer(507) : nil }
    #expect(throws: (any Error).self) { try remote.keep(.blobs, Digest(of: []), from: file, RemoteTransfer()) }
    do { try remote.keep(.blobs, Digest(of: []), from: file, RemoteTransfer()) } catch {
      #expect("\(diagnostics(of: error).map(\.summary))".contains("it is full (507)"))
    }
    server.misbehave(nil)
    try remote.keep(.blobs, Digest(of: []), from: file, RemoteTransfer())
    #expect(server.stored["/cas/\(Digest(of: []).hex)"]?.count == 8 << 20)
  }

  @Test func anEvictedBlobOfAResultIsMadeAndPutThereAnew() throws {
    try run(workspace, remotes())
    let blobs = server.stored.keys.filter { $0.hasPrefix("/cas/") }.sorted()
    for blob in blobs {
      let before = server.stored
      server.stored[blob] = nil
      let other = try ToyWorkspace()
      let summary = try run(other, remotes())
      #expect(summary.state == .done)
      #expect(server.stored == before, "\(blob)")
      let next = try ToyWorkspace()
      try run(next, remotes("ro:"))
      #expect(try next.executed() == [], "\(blob)")
    }
  }

  @Test func aStopEndsATransfer() throws {
    try run(workspace, remotes())
    server.misbehave { $0.path.hasPrefix("/ac/") ? .silence() : nil }
    let stop = Cancellation()
    let remotes = try remotes("ro:")
    Thread { [stop] in
      usleep(300_000)
      stop.request()
    }.start()
    let start = Date()
    #expect(throws: Interrupted.self) {
      _ = try remotes.fetch(Digest(of: []), into: workspace.reopened(), stop: stop)
    }
    #expect(Date().timeIntervalSince(start) < 20)
    #expect(remotes.troubles.isEmpty)
  }

  // MARK: Credentials

  @Test func credentialsComeFromVariables() throws {
    setenv("ANNEAL_TEST_BEARER", "abc.def", 1)
    setenv("ANNEAL_TEST_TEAM", "blue", 1)
    setenv("ANNEAL_TEST_BASIC", "user:pass word", 1)
    let configuration = try UserConfiguration(
      bytes: Array(
        """
        cache:
          - {url: "\(server.address)/one/", mode: read, bearer: $ANNEAL_TEST_BEARER, headers: {X-Team: $ANNEAL_TEST_TEAM}}
          - {url: "\(server.address)/two", mode: read, basic: $ANNEAL_TEST_BASIC}
        """.utf8), file: "/config.yaml")
    var choice = CacheChoice(arguments: [], pipeline: [], user: configuration, project: "/")
    let remotes = try choice.remotes()
    #expect(choice.warnings.isEmpty)
    try run(workspace, remotes)
    let one = try #require(server.requests.first { $0.path.hasPrefix("/one/ac/") })
    #expect(one.headers["authorization"] == "Bearer abc.def" && one.headers["x-team"] == "blue")
    let two = try #require(server.requests.first { $0.path.hasPrefix("/two/ac/") })
    #expect(two.headers["authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ=" && two.headers["x-team"] == nil)
  }
}
