import PreciseJSON

/// How bad it is what a check found.
package enum SanityVerdict: String, Sendable, CaseIterable {
  case fine
  /// Worth a look; the result stands.
  case warning
  /// The result would be useless: the node fails.
  case error
}

/// One look that the program takes at its own work: what it found, and how bad that is.
///
/// A check holds numbers alone; its words are in `Sanity+Wording.swift`, and `docs/sanity.md` says why its bound is where
/// it is.
package protocol SanityCheck: Sendable {
  /// Its member in `sanity.json`.
  static var name: String { get }
  var verdict: SanityVerdict { get }
  /// What the verdict rests on; follows from the node's inputs and fields, never from the machine's load.
  var evidence: [(key: String, value: JSON)] { get }
  var words: SanityWords { get }
}

/// A check in words, in the grammar of ``Diagnostics/Diagnostic``.
package struct SanityWords: Sendable, Hashable {
  package var summary: String
  package var reason: String?
  package var advice: String?

  package init(_ summary: String, reason: String? = nil, advice: String? = nil) {
    self.summary = summary
    self.reason = reason
    self.advice = advice
  }
}
