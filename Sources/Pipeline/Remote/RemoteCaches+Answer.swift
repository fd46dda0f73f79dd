import Diagnostics
import Dispatch

extension RemoteCaches {
  /// How a cache answers when it is asked for something that nobody has.
  package struct Answer: Sendable {
    package var cache: String
    package var isWritable: Bool
    /// Whether it takes what is put there, where that can be told without trying.
    package var canTake: Bool?
    package var seconds: Double
    /// Why it does not answer.
    package var problem: String?
  }

  /// Asks every cache once; takes as long as they do.
  ///
  /// - Parameter patience: Seconds that each may take.
  package func answers(patience: Double = 5) -> [Answer] {
    let nothing = Digest(of: uniqueName().utf8)
    return caches.map { cache in
      let start = wallClock()
      let stop = Cancellation()
      DispatchQueue.global().asyncAfter(deadline: .now() + patience) { stop.request() }
      var answer = Answer(cache: cache.name, isWritable: cache.isWritable, seconds: 0)
      do {
        answer.canTake = try cache.canTake()
        _ = try cache.holds(.results, nothing, size: nil, RemoteTransfer(stop: stop))
      } catch is Interrupted {
        answer.problem = "it says nothing in \(duration(patience))"
      } catch {
        answer.problem = diagnostics(of: error).map { $0.reason ?? $0.summary }.joined(separator: "; ")
      }
      answer.seconds = Double(wallClock() - start) / 1e9
      return answer
    }
  }
}
