import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Results that go through registries that do as they should, and through ones that do not.
@Suite("Registries") struct RegistryTests {
  private let workspace: ToyWorkspace
  private let other: ToyWorkspace
  private let registry: ToyRegistry

  init() throws {
    workspace = try ToyWorkspace()
    other = try ToyWorkspace()
    registry = try ToyRegistry()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
  }

  private func remote(_ name: String? = nil, isWritable: Bool = false) throws -> RegistryRemote {
    try RegistryRemote(
      RegistryReference(name ?? registry.name), isWritable: isWritable, files: FileSystem(isDurable: false))
  }

  private func made() throws -> StoredResult {
    let summary = try workspace.run(chain.replacingOccurrences(of: "DIR", with: workspace.folder.path))
    return try #require(summary["end"]?.result)
  }

  /// - Returns: What was in the way; nil where it went.
  private func publish(_ result: StoredResult) throws -> String? {
    let remotes = RemoteCaches([try remote(isWritable: true)])
    guard case .failed(let reasons) = remotes.share(result, of: workspace.reopened()) else { return nil }
    return reasons.joined(separator: "; ")
  }

  private func fetch(
    _ key: Digest, _ name: String? = nil, tell: (String) -> Void = { _ in }
  ) throws -> StoredResult? {
    try RemoteCaches([try remote(name)]).fetch(key, into: other.reopened(), tell: tell)?.result
  }

  // MARK: As they should

  @Test func theSameBytesComeToAnotherStore() throws {
    let result = try made()
    #expect(try publish(result) == nil)
    let found = try remote().look()
    #expect(found.key == result.key)
    let come = try #require(try fetch(found.key))
    #expect(come.digests == result.digests)
    // By the digest of the manifest, too, and by nothing else.
    let pinned = "\(registry.name)@sha256:\(found.digest.hex)"
    #expect(try remote(pinned).look() == found)
  }

  /// What tools of registries show: types, digests and sizes that are true, and files under their names.
  @Test func aManifestIsOneOfTheImageSpecification() throws {
    let result = try made()
    #expect(try publish(result) == nil)
    let manifest = try JSON(parsing: try #require(registry.manifests["v1"]), file: "manifest")
    #expect(manifest["schemaVersion"]?.int == 2)
    #expect(manifest["mediaType"]?.string == "application/vnd.oci.image.manifest.v1+json")
    #expect(manifest["artifactType"]?.string == "application/vnd.anneal.result.v1")
    let layers = try #require(manifest["layers"]?.array)
    #expect(!layers.isEmpty)
    for blob in layers + [try #require(manifest["config"])] {
      let bytes = try #require(registry.blobs[blob["digest"]?.string ?? ""])
      #expect(bytes.count == blob["size"]?.int)
    }
    #expect(layers.allSatisfy { $0["annotations"]?["org.opencontainers.image.title"]?.string != nil })
  }

  @Test func whatIsThereIsNotSentAgain() throws {
    let result = try made()
    #expect(try publish(result) == nil)
    let (first, before) = (registry.manifests, registry.blobs)
    registry.server.forgetRequests()
    #expect(try publish(result) == nil)
    #expect(registry.manifests == first && registry.blobs == before)
    #expect(!registry.server.requests.contains { $0.method == "POST" || $0.method == "PATCH" })
  }

  // MARK: Who asks

  /// The token specification: the challenge names a server, which is asked for this repository and no more than is wanted.
  @Test(arguments: [false, true]) func tokens(isWritable: Bool) throws {
    #expect(try publish(made()) == nil)
    registry.server.forgetRequests()
    let host = registry.host
    registry.misbehave { request in
      if request.path.hasPrefix("/token") { return .answer(200, body: Array(#"{"token":"abc"}"#.utf8)) }
      guard request.headers["authorization"] != "Bearer abc" else { return nil }
      return .answer(
        401, headers: [#"WWW-Authenticate: Bearer realm="http://\#(host)/token",service="here, or there""#])
    }
    _ = try remote(isWritable: isWritable).look()
    let asked = registry.server.requests.filter { $0.path.hasPrefix("/token") }.map(\.path)
    let actions = isWritable ? "pull,push" : "pull"
    #expect(asked == ["/token?service=here,%20or%20there&scope=repository:\(ToyRegistry.repository):\(actions)"])
  }

  @Test(arguments: [401, 403]) func refusals(status: Int) throws {
    let result = try made()
    registry.misbehave { _ in .answer(status, headers: [#"WWW-Authenticate: Basic realm="r""#]) }
    #expect(throws: RegistryError.denied(registry.name, hasCredentials: false)) { try remote().look() }
    #expect(try publish(result)?.contains("nobody is logged in") == true)
  }

  @Test func credentialsAsOthersKeepThem() throws {
    let folder = try TemporaryFolder()
    func found(_ text: String, _ host: String = "r.example") throws -> RegistryCredentials? {
      try folder.write(text, to: "config.json")
      return try RegistryCredentials.find(for: host) { $0 == "DOCKER_CONFIG" ? folder.path : nil }
    }
    #expect(try found(#"{"auths":{"r.example":{"auth":"YTpi"}}}"#) != nil)
    #expect(try found(#"{"auths":{"r.example":{"auth":"YTpi"}}}"#, "other.example") == nil)
    #expect(throws: RegistryError.self) { try found(#"{"auths":{"r.example":{}},"credsStore":"desktop"}"#) }
    #expect(throws: RegistryError.self) { try found("{") }
    let variable = RegistryCredentials.variable
    #expect(try RegistryCredentials.find(for: "r.example") { $0 == variable ? "a:b" : nil } != nil)
    #expect(throws: RegistryError.self) { try RegistryCredentials.find(for: "r") { $0 == variable ? "ab" : nil } }
  }

  // MARK: As they should not

  @Test func aPieceThatBreaksOffGoesOnWhereItStopped() throws {
    let result = try made()
    registry.misbehave { request in
      request.method == "PATCH" && request.earlier == 0 ? .answer(503) : nil
    }
    #expect(try publish(result) == nil)
    registry.misbehave(nil)
    #expect(try fetch(result.key)?.digests == result.digests)
  }

  @Test func anotherDigestIsRefused() throws {
    let result = try made()
    #expect(try publish(result) == nil)
    registry.blobs = registry.blobs.mapValues { bytes in
      var bytes = bytes
      if !bytes.isEmpty { bytes[bytes.count / 2] ^= 1 }
      return bytes
    }
    var told: [String] = []
    #expect(try fetch(result.key, tell: { told.append($0) }) == nil)
    #expect(!told.isEmpty)
    #expect(try other.blobs().isEmpty)
  }

  @Test func anotherManifestThanItsDigestSaysIsRefused() throws {
    #expect(try publish(made()) == nil)
    let digest = "sha256:" + String(repeating: "0", count: 64)
    registry.manifests[digest] = registry.manifests["v1"]
    let name = "\(registry.name)@\(digest)"
    #expect(throws: RegistryError.damagedManifest(name)) { try remote(name).look() }
  }

  @Test func nothingAndForeignThings() throws {
    #expect(throws: RegistryError.nothing(registry.name)) { try remote().look() }
    let image = #"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[]}"#
    for text in [image, "<html>", "[]", #"{"manifests":[]}"#] {
      registry.manifests["v1"] = Array(text.utf8)
      let error = #expect(throws: RegistryError.self) { try remote().look() }
      #expect(error?.diagnostics.first?.summary.contains("holds no result") == true, "\(text)")
    }
    // A manifest that names another result than its entry is.
    let result = try made()
    #expect(try publish(result) == nil)
    let own = String(decoding: registry.manifests["v1"] ?? [], as: UTF8.self)
    let foreign = Digest(of: [1]).hex
    registry.manifests["v1"] = Array(own.replacingOccurrences(of: result.key.hex, with: foreign).utf8)
    #expect(try fetch(try remote().look().key) == nil)
  }

  /// Others see who asks only where they asked; no end of being sent about.
  @Test func redirections() throws {
    let result = try made()
    #expect(try publish(result) == nil)
    let elsewhere = try ToyCacheServer()
    for (name, bytes) in registry.blobs { elsewhere.stored["/kept/\(name)"] = bytes }
    let address = elsewhere.address
    registry.misbehave { request in
      guard request.path.contains("/blobs/"), request.method == "GET" else { return nil }
      let name = request.path.split(separator: "/").last.map(String.init) ?? ""
      return .answer(307, headers: ["Location: \(address)/kept/\(name)"])
    }
    #expect(try fetch(result.key)?.digests == result.digests)
    #expect(!elsewhere.requests.isEmpty && elsewhere.requests.allSatisfy { $0.headers["authorization"] == nil })
    registry.misbehave { request in .answer(307, headers: ["Location: \(request.path)"]) }
    #expect(throws: RegistryError.self) { try remote().look() }
  }

  @Test func anAnswerWithoutEndIsLeft() throws {
    registry.misbehave { _ in .answer(200, body: [UInt8](repeating: 0x20, count: 5 << 20)) }
    #expect(throws: RegistryError.self) { try remote().look() }
  }
}
