import Diagnostics

/// A value of a YAML text with the places it stands at.
///
/// Scalars are text: the declared type of the field that takes one decides how it is read.
package struct LocatedValue: Sendable {
  package struct Scalar: Sendable, Hashable {
    package var text: String
    /// Written without quotes and not as a block.
    package var isPlain: Bool

    package init(text: String, isPlain: Bool) {
      self.text = text
      self.isPlain = isPlain
    }
  }

  package struct Key: Sendable {
    package var text: String
    package var mark: Mark

    package init(text: String, mark: Mark) {
      self.text = text
      self.mark = mark
    }
  }

  package struct Pair: Sendable {
    package var key: Key
    package var value: LocatedValue

    package init(key: Key, value: LocatedValue) {
      self.key = key
      self.value = value
    }
  }

  package enum Content: Sendable {
    case scalar(Scalar)
    case list([LocatedValue])
    case map([Pair])
  }

  package var content: Content
  package var mark: Mark
  /// Where the value comes from when it is not written at its place: the param that was substituted.
  package var origin: [Diagnostic.Related] = []
  /// Whether a fault of it is already reported.
  package var isBroken = false
  /// How many values it holds, itself included, with aliases counted as often as they are used.
  var count = 1

  package init(_ content: Content, at mark: Mark) {
    self.content = content
    self.mark = mark
    switch content {
    case .scalar: break
    case .list(let items): count += items.reduce(0) { $0 + $1.count }
    case .map(let pairs): count += pairs.reduce(0) { $0 + 1 + $1.value.count }
    }
  }

  /// Whether it is YAML's null: nothing, `~` or `null` without quotes.
  package var isNull: Bool {
    guard case .scalar(let scalar) = content, scalar.isPlain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
  }

  /// What it is, for messages.
  package var kindWords: String {
    switch content {
    case .scalar(let scalar):
      isNull ? "nothing" : scalar.text.isEmpty ? "an empty text" : "`\(Self.shortened(scalar.text))`"
    case .list(let items): items.isEmpty ? "an empty list" : "a list"
    case .map(let pairs): pairs.isEmpty ? "an empty map" : "a map"
    }
  }

  /// The first line of a text, as far as a message may hold it.
  private static func shortened(_ text: String) -> String {
    let line = text.prefix { $0 != "\n" }.prefix(60)
    return line.utf8.count < text.utf8.count ? String(line) + "…" : text
  }

  var isList: Bool { if case .list = content { true } else { false } }

  package var pairs: [Pair] { if case .map(let pairs) = content { pairs } else { [] } }

  package subscript(key: String) -> LocatedValue? { pairs.first { $0.key.text == key }?.value }
}

extension LocatedValue {
  /// The value as it would be written on one line.
  package var text: String {
    switch content {
    case .scalar(let scalar): scalar.text
    case .list(let items): "[\(items.map(\.text).joined(separator: ", "))]"
    case .map(let pairs): "{\(pairs.map { "\($0.key.text): \($0.value.text)" }.joined(separator: ", "))}"
    }
  }
}
