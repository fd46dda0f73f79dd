import Diagnostics
import Pipeline

extension Inference.Conflict {
  /// What an error says, at a port or field.
  static func all(of error: any Error, at port: String) -> [Inference.Conflict] {
    diagnostics(of: error).map { .init(port: port, $0.summary, reason: $0.reason, advice: $0.advice) }
  }
}
