import Pipeline
import Synchronization
import TestKit

/// A registry of one repository on this machine that keeps everything in memory, and that tests have misbehave.
final class ToyRegistry: Sendable {
  static let repository = "team/sft"

  private struct State {
    var manifests: [String: [UInt8]] = [:]
    var blobs: [String: [UInt8]] = [:]
    var uploads: [[UInt8]] = []
    /// Asked before anything else; nil where the registry does as it should.
    var fault: (@Sendable (ToyCacheServer.Request) -> ToyCacheServer.Reply?)?
  }

  let server: ToyCacheServer
  private let state = Mutex(State())

  init() throws {
    server = try ToyCacheServer()
    server.misbehave { [unowned self] request in
      let fault = state.withLock { $0.fault }
      return fault?(request) ?? answer(request)
    }
  }

  var host: String { "127.0.0.1:\(server.port)" }
  var name: String { "\(host)/\(Self.repository):v1" }
  var manifests: [String: [UInt8]] {
    get { state.withLock { $0.manifests } }
    set { state.withLock { $0.manifests = newValue } }
  }
  /// By `sha256:…`.
  var blobs: [String: [UInt8]] {
    get { state.withLock { $0.blobs } }
    set { state.withLock { $0.blobs = newValue } }
  }

  func misbehave(_ fault: (@Sendable (ToyCacheServer.Request) -> ToyCacheServer.Reply?)?) {
    state.withLock { $0.fault = fault }
  }

  /// What a registry should answer.
  private func answer(_ request: ToyCacheServer.Request) -> ToyCacheServer.Reply {
    let base = "/v2/\(Self.repository)/"
    guard request.path.hasPrefix(base) else { return .answer(404) }
    let place = request.path.dropFirst(base.count)
    let name = String(place.split(separator: "/").last ?? "")
    return state.withLock { state in
      switch (request.method, place.split(separator: "/").first) {
      case ("PUT", "manifests"):
        state.manifests[name] = request.body
        state.manifests["sha256:" + Digest(of: request.body).hex] = request.body
        return .answer(201)
      case ("GET", "manifests"): return state.manifests[name].map { .answer(200, body: $0) } ?? .answer(404)
      case ("POST", "blobs"):
        state.uploads.append([])
        return .answer(202, headers: ["Location: \(base)blobs/uploads/\(state.uploads.count - 1)?state=a%2Bb"])
      case ("PATCH", "blobs"),
        ("GET", "blobs") where place.contains("uploads"):
        guard let number = Int(name.prefix { $0 != "?" }) else { return .answer(404) }
        state.uploads[number] += request.body
        let headers = ["Location: \(request.path)", "Range: 0-\(max(0, state.uploads[number].count - 1))"]
        return .answer(request.method == "PATCH" ? 202 : 204, headers: headers)
      case ("PUT", "blobs"):
        guard let number = Int(name.prefix { $0 != "?" }), let digest = name.split(separator: "=").last,
          "sha256:" + Digest(of: state.uploads[number]).hex == digest
        else { return .answer(400) }
        state.blobs[String(digest)] = state.uploads[number]
        return .answer(201)
      case ("GET", "blobs"), ("HEAD", "blobs"):
        return state.blobs[name].map { .answer(200, body: $0) } ?? .answer(404)
      default: return .answer(405)
      }
    }
  }
}
