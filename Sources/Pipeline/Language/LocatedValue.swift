import Diagnostics

/// A value of a YAML text with the places it stands at.
///
/// Scalars are text: the declared type of the field that takes one decides how it is read.
package struct LocatedValue: Sendable {
  package struct Scalar: Sendable, Hashable {
    var text: String
    /// Written without quotes and not as a block.
    var isPlain: Bool
  }

  struct Key: Sendable {
    var text: String
    var mark: Mark
  }

  struct Pair: Sendable {
    var key: Key
    var value: LocatedValue
  }

  enum Content: Sendable {
    case scalar(Scalar)
    case list([LocatedValue])
    case map([Pair])
  }

  var content: Content
  var mark: Mark
  /// Where the value comes from when it is not written at its place: the param that was substituted.
  var origin: [Diagnostic.Related] = []
  /// Whether a fault of it is already reported.
  var isBroken = false
  /// How many values it holds, itself included, with aliases counted as often as they are used.
  var count = 1

  init(_ content: Content, at mark: Mark) {
    self.content = content
    self.mark = mark
    switch content {
    case .scalar: break
    case .list(let items): count += items.reduce(0) { $0 + $1.count }
    case .map(let pairs): count += pairs.reduce(0) { $0 + 1 + $1.value.count }
    }
  }

  /// Whether it is YAML's null: nothing, `~` or `null` without quotes.
  var isNull: Bool {
    guard case .scalar(let scalar) = content, scalar.isPlain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
  }

  /// What it is, for messages.
  var kindWords: String {
    switch content {
    case .scalar(let scalar): isNull ? "nothing" : "`\(scalar.text)`"
    case .list: "a list"
    case .map: "a map"
    }
  }

  var isList: Bool { if case .list = content { true } else { false } }

  var pairs: [Pair] { if case .map(let pairs) = content { pairs } else { [] } }

  subscript(key: String) -> LocatedValue? { pairs.first { $0.key.text == key }?.value }
}

extension LocatedValue {
  /// The value as it would be written on one line.
  var text: String {
    switch content {
    case .scalar(let scalar): scalar.text
    case .list(let items): "[\(items.map(\.text).joined(separator: ", "))]"
    case .map(let pairs): "{\(pairs.map { "\($0.key.text): \($0.value.text)" }.joined(separator: ", "))}"
    }
  }
}
