import Diagnostics
import PreciseJSON

/// Something a running node says.
///
/// From a worker process it comes as one line of JSON.
package enum NodeReport: Sendable {
  case progress(ProgressUpdate)
  case log(String)
  case warning(Diagnostic)

  package typealias Receiver = @Sendable (NodeReport) -> Void
}

/// A line that a worker process writes on file descriptor 3, or to the file of its job on a cluster.
enum WorkerMessage: Sendable {
  case report(NodeReport)
  /// The worker has read its job, and what it writes goes to the node's log.
  case ready
  /// Highest resident memory in bytes.
  case peak(Int)
  case failed([Diagnostic])
  case lost(BlobReference, BlobDamage)
  /// The result is in the store.
  case done(differs: Bool)
  /// It stopped on request, and what it saved stays.
  case interrupted

  var line: String {
    let json: JSON =
      switch self {
      case .report(.progress(let update)): ["progress": update.json]
      case .report(.log(let text)): ["log": JSON(text)]
      case .report(.warning(let diagnostic)): ["warning": diagnostic.json]
      case .ready: ["ready": JSON(true)]
      case .peak(let bytes): ["peak": JSON(bytes)]
      case .failed(let diagnostics): ["failed": .array(diagnostics.map(\.json))]
      case .lost(let blob, let damage):
        ["lost": JSON(blob.digest.hex), "size": JSON(blob.size), "damage": JSON(damage.rawValue)]
      case .done(let differs): ["done": JSON(true), "differs": JSON(differs)]
      case .interrupted: ["interrupted": JSON(true)]
      }
    return json.text() + "\n"
  }

  init?(_ line: [UInt8]) {
    guard let json = try? JSON(parsing: line, file: "worker") else { return nil }
    if let update = json["progress"].flatMap(ProgressUpdate.init) {
      self = .report(.progress(update))
    } else if let text = json["log"]?.string {
      self = .report(.log(text))
    } else if let diagnostic = json["warning"].flatMap(Diagnostic.init(json:)) {
      self = .report(.warning(diagnostic))
    } else if json["ready"]?.bool == true {
      self = .ready
    } else if let bytes = json["peak"]?.int {
      self = .peak(bytes)
    } else if let list = json["failed"]?.array {
      self = .failed(list.compactMap(Diagnostic.init(json:)))
    } else if let digest = json["lost"]?.string.flatMap(Digest.init(hex:)), let size = json["size"]?.int,
      let damage = json["damage"]?.string.flatMap(BlobDamage.init)
    {
      self = .lost(BlobReference(digest: digest, size: size), damage)
    } else if json["done"]?.bool == true {
      self = .done(differs: json["differs"]?.bool ?? false)
    } else if json["interrupted"]?.bool == true {
      self = .interrupted
    } else {
      return nil
    }
  }
}
