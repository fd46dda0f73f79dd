/// A key of another program's files, and what becomes of it here.
package struct ArgumentKey: Sendable {
  /// What its value is read as.
  package enum Kind: Sendable, Hashable {
    case bool
    case integer
    case number
    case text
    /// Names with commas between them, or a list.
    case names
    case choice([String])
    /// Whatever stands there, maps included.
    case any
  }

  package enum Fate: Sendable, Hashable {
    /// It decides fields or nodes of the pipeline.
    case becomes
    /// It has nothing to decide here.
    case idle
    /// It is refused, unless its value is one of these or its default.
    case refused(unless: [String], advice: String?)
  }

  package let name: String
  package let kind: Kind
  /// The default as YAML writes it; nil for null.
  package let standard: String?
  package let fate: Fate
  /// What it becomes, or why it has nothing to decide, or why it is refused.
  package let words: String
  /// The release that has it, where the pinned one has not; or whose key it is beside the program's own.
  package let since: String?

  static func becomes(
    _ name: String, _ kind: Kind, _ standard: String?, _ words: String, since: String? = nil
  ) -> Self {
    Self(name: name, kind: kind, standard: standard, fate: .becomes, words: words, since: since)
  }

  static func idle(_ name: String, _ kind: Kind, _ standard: String?, _ words: String, since: String? = nil) -> Self {
    Self(name: name, kind: kind, standard: standard, fate: .idle, words: words, since: since)
  }

  static func refused(
    _ name: String, _ kind: Kind, _ standard: String?, unless allowed: [String], _ words: String,
    try advice: String? = nil, since: String? = nil
  ) -> Self {
    Self(
      name: name, kind: kind, standard: standard, fate: .refused(unless: allowed, advice: advice), words: words,
      since: since)
  }
}
