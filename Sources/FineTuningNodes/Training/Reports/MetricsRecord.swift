import PreciseJSON
import Training

/// What the records of `metrics.jsonl` hold, for those who show them otherwise.
enum MetricsRecord {
  static let speed = MetricsWindow.measured
  private static let counts: Set<String> = ["step", "epoch"]
  private static let heldOut = "eval_"

  /// The numbers of a record over which steps are an axis.
  ///
  /// - Parameter measured: Whether those that a clock decides are among them.
  static func measures(_ record: JSON, measured: Bool) -> [(name: String, value: Double)] {
    (record.object?.members ?? []).compactMap { name, value in
      guard !counts.contains(name), measured || name != speed, let value = value.double else { return nil }
      return (String(name), value)
    }
  }

  /// The name without what tells held-out rows from the others, and whether it had that.
  static func parts(_ name: String) -> (name: String, isHeldOut: Bool) {
    name.hasPrefix(heldOut) ? (String(name.dropFirst(heldOut.count)), true) : (name, false)
  }

  /// `train/loss` or `eval/loss`.
  static func tag(_ name: String) -> String {
    let parts = parts(name)
    return (parts.isHeldOut ? "eval/" : "train/") + parts.name
  }
}
