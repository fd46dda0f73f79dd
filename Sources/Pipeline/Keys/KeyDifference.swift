/// One reason why two keys differ: what `anneal why` says.
package enum KeyDifference: Sendable, Hashable {
  /// A field, by its path such as `schedule.type`; nil where one side has no such field.
  case field(path: String, old: CanonicalValue?, new: CanonicalValue?)
  /// The content of a source file or folder.
  case source(role: String, index: Int, old: Digest?, new: Digest?)
  /// What an upstream node gave.
  case input(port: String, index: Int, old: CanonicalValue?, new: CanonicalValue?)
  /// What a program said that a field names.
  case answer(field: String, old: CanonicalValue?, new: CanonicalValue?)
  case implementationVersion(old: CanonicalValue?, new: CanonicalValue?)
  case nodeType(old: CanonicalValue?, new: CanonicalValue?)
  case other(label: String, old: CanonicalValue?, new: CanonicalValue?)

  /// A sentence for people, without a full stop.
  package var sentence: String {
    switch self {
    case .field(let path, let old?, let new?): "Field `\(path)` changed from \(old.forPeople) to \(new.forPeople)"
    case .field(let path, nil, let new): "Field `\(path)` is new: \(new?.forPeople ?? "nothing")"
    case .field(let path, let old?, nil): "Field `\(path)` is gone; it was \(old.forPeople)"
    case .source(let role, let index, let old?, let new?):
      "Source `\(role)`\(Self.ordinal(index)) has other content than before (\(old.short), now \(new.short))"
    case .source(let role, let index, nil, _): "Source `\(role)`\(Self.ordinal(index)) was added"
    case .source(let role, let index, _, nil): "Source `\(role)`\(Self.ordinal(index)) was removed"
    case .input(let port, let index, let old?, let new?):
      "Input `\(port)`\(Self.ordinal(index)) is another artefact than before"
        + " (\(old.forPeople), now \(new.forPeople))"
    case .input(let port, let index, nil, _): "Input `\(port)`\(Self.ordinal(index)) was connected"
    case .input(let port, let index, _, nil): "Input `\(port)`\(Self.ordinal(index)) was disconnected"
    case .answer(let field, let old?, let new?):
      "`\(field)` says \(new.forPeople) where it said \(old.forPeople)"
    case .answer(let field, nil, let new): "`\(field)` is new: it says \(new?.forPeople ?? "nothing")"
    case .answer(let field, let old?, nil): "`\(field)` is gone; it said \(old.forPeople)"
    case .implementationVersion(let old, let new):
      "The node type's implementation version changed from \(old?.forPeople ?? "nothing")"
        + " to \(new?.forPeople ?? "nothing")"
    case .nodeType(let old, let new):
      "The node's type changed from `\(old?.forPeople ?? "nothing")` to `\(new?.forPeople ?? "nothing")`"
    case .other(let label, let old, let new):
      "`\(label)` changed from \(old?.forPeople ?? "nothing") to \(new?.forPeople ?? "nothing")"
    }
  }

  private static func ordinal(_ index: Int) -> String { index == 0 ? "" : " (number \(index + 1))" }
}

extension KeyPreimage {
  /// What changed from `old` to this preimage, in the order: type, version, sources, inputs, fields, others.
  package func difference(from old: KeyPreimage) -> [KeyDifference] {
    let labels = Set(entries.map(\.label)).union(old.entries.map(\.label))
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var ranked: [(rank: Int, difference: KeyDifference)] = []
    for label in labels where self[label] != old[label] {
      ranked.append(Self.difference(of: label, old: old[label], new: self[label]))
    }
    return (0...5).flatMap { rank in ranked.filter { $0.rank == rank }.map(\.difference) }
  }

  private static func difference(
    of label: String, old: CanonicalValue?, new: CanonicalValue?
  ) -> (rank: Int, difference: KeyDifference) {
    if label == "type" { return (0, .nodeType(old: old, new: new)) }
    if label == "implementation" { return (1, .implementationVersion(old: old, new: new)) }
    if let (role, index) = indexed(label, after: "sources.") {
      return (2, .source(role: role, index: index, old: old?.digest, new: new?.digest))
    }
    if let (port, index) = indexed(label, after: "inputs.") {
      return (3, .input(port: port, index: index, old: old, new: new))
    }
    if label.hasPrefix("answers.") { return (2, .answer(field: String(label.dropFirst(8)), old: old, new: new)) }
    if label.hasPrefix("fields.") { return (4, .field(path: String(label.dropFirst(7)), old: old, new: new)) }
    return (5, .other(label: label, old: old, new: new))
  }

  /// `inputs.data[1]` as (`data`, 1).
  private static func indexed(_ label: String, after prefix: String) -> (name: String, index: Int)? {
    guard label.hasPrefix(prefix), label.hasSuffix("]"), let bracket = label.lastIndex(of: "[") else { return nil }
    let name = label[label.index(label.startIndex, offsetBy: prefix.count)..<bracket]
    guard let index = Int(label[label.index(after: bracket)...].dropLast()) else { return nil }
    return (String(name), index)
  }
}

extension CanonicalValue {
  fileprivate var digest: Digest? { if case .digest(let digest) = self { digest } else { nil } }
}
