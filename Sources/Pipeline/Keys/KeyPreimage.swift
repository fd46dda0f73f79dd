import Diagnostics
import PreciseJSON

/// Everything that decides a key, entry by entry, so that two keys can be compared and the difference named.
///
/// Labels name what an entry is: `type`, `implementation`, `fields.schedule.type`, `sources.weights[0]`,
/// `inputs.data[0]`. Parts that have keys of their own below a node's may use any other label.
package struct KeyPreimage: Sendable, Hashable {
  /// One thing that decides the key.
  package struct Entry: Sendable, Hashable {
    package var label: String
    package var value: CanonicalValue

    package init(_ label: String, _ value: CanonicalValue) {
      self.label = label
      self.value = value
    }
  }

  /// What the key is for; keys of different purposes never collide.
  package enum Domain: String, Sendable {
    case plan = "anneal/plan/v1"
    case action = "anneal/action/v1"
    /// A part of a node's result that is published by itself.
    case part = "anneal/part/v1"
    /// A node without its inputs.
    case work = "anneal/work/v1"
    /// What an ``Inspection`` sees.
    case facets = "anneal/facets/v1"
  }

  package let domain: Domain
  /// In the byte order of their labels, which are distinct.
  package let entries: [Entry]
  /// The key: the digest of the domain and the canonical encoding of all entries.
  package let key: Digest

  /// Takes entries in any order; their labels must be distinct.
  package init(_ domain: Domain, _ entries: [Entry]) {
    self.domain = domain
    let sorted = entries.sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
    self.entries = sorted
    assert(Set(entries.map(\.label)).count == entries.count, "Labels of a key's entries must be distinct")
    var bytes: [UInt8] = []
    CanonicalValue.text(domain.rawValue).encode(into: &bytes)
    CanonicalValue.list(sorted.map { .list([.text($0.label), $0.value]) }).encode(into: &bytes)
    key = Digest(of: bytes)
  }

  package subscript(label: String) -> CanonicalValue? { entries.first { $0.label == label }?.value }
}

extension KeyPreimage {
  /// The form stored beside a result.
  package var json: JSON {
    ["domain": JSON(domain.rawValue), "entries": JSON(entries.map { (key: $0.label, value: $0.value.json) })]
  }

  /// - Parameter json: A preimage written by ``json``, else nil.
  package init?(json: JSON) {
    guard let domain = json["domain"]?.string.flatMap(Domain.init), let members = json["entries"]?.object else {
      return nil
    }
    var entries: [Entry] = []
    for (label, member) in members.members {
      guard let value = CanonicalValue(json: member), !entries.contains(where: { $0.label == label }) else {
        return nil
      }
      entries.append(Entry(label, value))
    }
    self.init(domain, entries)
  }
}
