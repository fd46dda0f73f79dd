import Pipeline
import Synchronization

/// What a server counts, for Prometheus.
final class CacheMetrics: Sendable {
  private struct Kind: Hashable {
    var method: String
    var area: String
    var status: Int
  }

  private struct Counts {
    var requests: [Kind: Int] = [:]
    var received = 0
    var sent = 0
  }

  private let counts = Mutex(Counts())
  private let start = steadyClock()

  func count(method: String, area: String, status: Int) {
    // Of methods there are as many as somebody makes up.
    let method = ["GET", "HEAD", "PUT"].contains(method) ? method : "other"
    counts.withLock { $0.requests[Kind(method: method, area: area, status: status), default: 0] += 1 }
  }

  func countReceived(_ bytes: Int) { counts.withLock { $0.received += bytes } }
  func countSent(_ bytes: Int) { counts.withLock { $0.sent += bytes } }

  /// The exposition format, version 0.0.4.
  func text(_ folder: CacheFolder) -> String {
    let counts = counts.withLock { $0 }
    let found = folder.statistics
    var lines = ["# TYPE anneal_cache_requests_total counter"]
    lines += counts.requests.map { kind, count in
      "anneal_cache_requests_total{method=\"\(kind.method)\",area=\"\(kind.area)\",status=\"\(kind.status)\"} \(count)"
    }.sorted()
    func add(_ name: String, _ type: String, _ value: some CustomStringConvertible) {
      lines += ["# TYPE anneal_cache_\(name) \(type)", "anneal_cache_\(name) \(value)"]
    }
    add("received_bytes_total", "counter", counts.received)
    add("sent_bytes_total", "counter", counts.sent)
    add("evicted_files_total", "counter", found.evicted)
    add("entries", "gauge", found.entries)
    add("blobs", "gauge", found.blobs)
    add("stored_bytes", "gauge", found.size)
    add("bound_bytes", "gauge", folder.bound)
    add("uptime_seconds", "gauge", Int(steadyClock() - start))
    return lines.joined(separator: "\n") + "\n"
  }
}
