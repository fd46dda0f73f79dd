import Foundation
import Glibc
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Debian's registry of this machine; a build of one's own where ANNEAL_REGISTRY names it.
private let program = ProcessInfo.processInfo.environment["ANNEAL_REGISTRY"] ?? "/usr/bin/docker-registry"

/// `anneal publish` and `anneal fetch` with the registry that most others are made from.
@Suite(
  .serialized, .enabled(if: FileManager.default.isExecutableFile(atPath: program), "docker-registry is not installed"))
struct DockerRegistryTests {
  private final class Server {
    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    /// - Parameter hasPassword: Whether only `mara` with the password `secret` is let in.
    init(hasPassword: Bool = false) throws {
      folder = try TemporaryFolder()
      // A port that was free just now.
      port = Int(try ToyCacheServer().port)
      let place = folder.path
      // As `htpasswd -B` writes it.
      try folder.write("mara:$2y$05$7SB51emICAeQNUhOH3RcZ.Qu/Wn/VkmOK1YbLGcUAd/CgwJxV0mdm\n", to: "passwords")
      try folder.write(
        """
        version: 0.1
        log: {level: error}
        storage: {filesystem: {rootdirectory: \(place)/kept}}
        http: {addr: "127.0.0.1:\(port)"}
        \(hasPassword ? "auth: {htpasswd: {realm: here, path: \(place)/passwords}}" : "")

        """, to: "registry.yaml")
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = ["serve", place + "/registry.yaml"]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      for _ in 0..<200 {
        if (try? PlainHTTP(port: port)) != nil { return }
        usleep(50_000)
      }
      throw ToyError(text: "the registry does not listen")
    }

    deinit {
      if process.isRunning { process.terminate() }
      process.waitUntilExit()
    }

    func name(_ tag: String) -> String { "localhost:\(port)/team/sft:\(tag)" }
  }

  @Test func anAdapterGoesFromOneProjectToAnother() throws {
    let server = try Server()
    let (here, there) = (try Project(), try Project())
    #expect(try here.anneal("run", "pipeline.yaml").code == 0)
    let published = try here.anneal("publish", "last:sft", server.name("v1"))
    #expect(published.code == 0 && published.output.contains("\(server.name("v1"))@sha256:"), "\(published.messages)")
    let expected = try here.digest("sft", "model")

    let fetched = try there.anneal("fetch", server.name("v1"), "--into", "models/sft", "--output", "model")
    #expect(fetched.code == 0 && fetched.messages.contains("pinned in anneal.pins.yaml"), "\(fetched.messages)")
    let names = try FileManager.default.contentsOfDirectory(atPath: there.folder.path("models/sft/adapter"))
    #expect(names.contains("adapter_model.safetensors"), "\(names)")
    #expect(!expected.isEmpty)
    let pins = try String(contentsOfFile: there.folder.path("anneal.pins.yaml"), encoding: .utf8)
    #expect(pins.contains(server.name("v1")) && pins.contains("folder: models/sft") && pins.contains("output: model"))

    // Somebody else puts another result under the name: the pin holds until it is moved.
    let changed = try here.anneal("run", "pipeline.yaml", "--set", "nodes.sft.seed=9")
    #expect(changed.code == 0, "\(changed.messages)")
    #expect(try here.anneal("publish", "last:sft", server.name("v1")).code == 0)
    func weights() throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: there.folder.path("models/sft/adapter/adapter_model.safetensors")))
    }
    let old = try weights()
    try FileManager.default.removeItem(atPath: there.folder.path("models"))
    let again = try there.anneal("fetch")
    #expect(again.code == 0, "\(again.messages)")
    #expect(try weights() == old)
    let update = try there.anneal("fetch", server.name("v1"), "--into", "models/sft", "--output", "model", "--update")
    #expect(update.code == 0, "\(update.messages)")
    #expect(try weights() != old)
  }

  @Test func whatIsFetchedIsAHit() throws {
    let server = try Server()
    let (here, there) = (try Project(), try Project())
    #expect(try here.anneal("run", "pipeline.yaml").code == 0)
    #expect(try here.anneal("publish", "last:sft", server.name("v1")).code == 0)
    #expect(try there.anneal("fetch", server.name("v1")).code == 0)
    #expect(try there.anneal("run", "pipeline.yaml").code == 0)
    #expect(try there.states()["sft"] == "cached")
    #expect(try there.digest("sft", "model") == here.digest("sft", "model"))
  }

  @Test func passwords() throws {
    let server = try Server(hasPassword: true)
    let project = try Project()
    #expect(try project.anneal("run", "pipeline.yaml", "tokens").code == 0)
    let nobody = ["DOCKER_CONFIG": project.folder.path]
    let refused = try project.anneal("publish", "last:tokens", server.name("v1"), environment: nobody)
    #expect(refused.code == 2 && refused.messages.contains("nobody is logged in"), "\(refused.messages)")
    let wrong = ["ANNEAL_REGISTRY_AUTH": "mara:wrong"]
    let doubted = try project.anneal("publish", "last:tokens", server.name("v1"), environment: wrong)
    #expect(doubted.code == 2 && doubted.messages.contains("it knows who asks and refuses"), "\(doubted.messages)")
    #expect(!doubted.messages.contains("wrong"))
    let entry = Data("mara:secret".utf8).base64EncodedString()
    try project.folder.write(#"{"auths":{"localhost:\#(server.port)":{"auth":"\#(entry)"}}}"#, to: "config.json")
    let taken = try project.anneal("publish", "last:tokens", server.name("v1"), environment: nobody)
    #expect(taken.code == 0, "\(taken.messages)")
  }

  @Test func mistakes() throws {
    let server = try Server()
    let project = try Project()
    #expect(try project.anneal("run", "pipeline.yaml", "tokens").code == 0)
    #expect(try project.anneal("publish", "last:tokens", server.name("v1")).code == 0)
    func expect(_ code: Int32, _ word: String, _ arguments: String...) throws {
      let found = try project.start(arguments).1()
      #expect(found.code == code && found.messages.contains(word), "\(arguments): \(found.code) \(found.messages)")
    }
    try expect(2, "is no name in a registry", "publish", "last:tokens", "team/SFT")
    try expect(2, "is no result", "publish", "sft", server.name("v1"))
    try expect(2, "has no node `tokenz`", "publish", "last:tokenz", server.name("v1"))
    try expect(2, "There is nothing under", "fetch", server.name("v2"))
    try expect(2, "has no output `modell`", "fetch", server.name("v1"), "--into", "x", "--output", "modell")
    try expect(2, "has no effect without `--into`", "fetch", server.name("v1"), "--output", "model")
    try project.folder.write("mine", to: "x/notes.txt")
    try expect(2, "holds files that `anneal fetch` did not put there", "fetch", server.name("v1"), "--into", "x")
    #expect(FileManager.default.fileExists(atPath: project.folder.path("x/notes.txt")))
    let empty = try Project(rows: 1)
    let nothing = try empty.anneal("fetch")
    #expect(nothing.messages.contains("There is nothing to fetch"), "\(nothing.messages)")
  }
}
