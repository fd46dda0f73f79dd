import Diagnostics

extension RemoteCaches {
  /// How a cache answers when it is asked for something that nobody has.
  package struct Answer: Sendable {
    package var cache: String
    package var isWritable: Bool
    package var seconds: Double
    /// Why it does not answer.
    package var problem: String?
  }

  /// Asks every cache once; takes as long as they do.
  package func answers() -> [Answer] {
    let nothing = Digest(of: uniqueName().utf8)
    return caches.map { cache in
      let start = wallClock()
      var problem: String?
      do { _ = try cache.holds(.results, nothing, RemoteTransfer()) } catch {
        problem = diagnostics(of: error).map { $0.reason ?? $0.summary }.joined(separator: "; ")
      }
      return Answer(
        cache: cache.name, isWritable: cache.isWritable, seconds: Double(wallClock() - start) / 1e9, problem: problem)
    }
  }
}
